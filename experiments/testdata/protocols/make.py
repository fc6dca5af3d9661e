# Files as torch.save writes them, made by Python's own pickle with stand-ins for torch's classes.
import argparse, collections, datetime, enum, io, pathlib, pickle, sys, types, zipfile, struct, decimal

torch = types.ModuleType("torch"); utils = types.ModuleType("torch._utils"); serial = types.ModuleType("torch.serialization")
sys.modules.update({"torch": torch, "torch._utils": utils, "torch.serialization": serial})
class FloatStorage: pass
FloatStorage.__module__ = "torch"; FloatStorage.__qualname__ = "FloatStorage"; torch.FloatStorage = FloatStorage
class QInt8Storage: pass
QInt8Storage.__module__ = "torch"; QInt8Storage.__qualname__ = "QInt8Storage"; torch.QInt8Storage = QInt8Storage
def _rebuild_tensor_v2(*a): raise RuntimeError
def _rebuild_parameter(*a): raise RuntimeError
for f in (_rebuild_tensor_v2, _rebuild_parameter):
    f.__module__ = "torch._utils"; setattr(utils, f.__name__, f)
class Storage:
    def __init__(self, key, values, kind=FloatStorage): self.key, self.values, self.kind = key, values, kind
class Tensor:
    def __init__(self, storage, offset, sizes, strides): self.a = (storage, offset, sizes, strides, False, collections.OrderedDict())
    def __reduce_ex__(self, p): return (_rebuild_tensor_v2, self.a)
class Color(enum.Enum):
    RED = 1
class Pickler(pickle.Pickler):
    def persistent_id(self, o):
        if isinstance(o, Storage): return ("storage", o.kind, o.key, "cpu", len(o.values))
def save(path, obj, protocol, storages, folder):
    b = io.BytesIO(); Pickler(b, protocol=protocol).dump(obj)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        put = lambda n, d: z.writestr(zipfile.ZipInfo(folder + "/" + n, (1980,1,1,0,0,0)), d)
        put("data.pkl", b.getvalue()); put("byteorder", "little")
        for s in storages: put("data/" + s.key, struct.pack("<%df" % len(s.values), *s.values))
        put("version", "3\n")
for protocol in (1, 2, 4, 5):
    s = Storage("0", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    q = Storage("1", [1.0], QInt8Storage)
    w = Tensor(s, 0, (2, 3), (3, 1)); b = Tensor(s, 3, (2,), (1,))
    dd = collections.defaultdict(list); dd["x"] = [1]
    obj = {
      "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/a/b"), when=datetime.datetime(2026, 1, 2)),
      "big": 1 << 100, "color": Color.RED, "set": {1, 2}, "frozen": frozenset([3]), "complex": 1 + 2j, "price": decimal.Decimal("1.5"),
      "range": range(3), "default": dd, "bytes": b"\x00\xff", "array": bytearray(b"ab"), "name": "café", "none": None, "real": 0.5,
      "quantized": Tensor(q, 0, (1,), (1,)),
      "deep": {"er": {"w2": b}},
      "optimizer": {"state": {0: {"exp_avg": b}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
      "state_dict": collections.OrderedDict([("module.w", w), ("module.b", b)]),
    }
    save("protocol%d.pt" % protocol, obj, protocol, [s, q], "modèle")
