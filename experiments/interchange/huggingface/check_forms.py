"""The forms in which one model may stand in a Hugging Face folder, for check.py."""
import json
from pathlib import Path


def rewrite(folder, change):
    """config.json, changed in place."""
    file = Path(folder) / "config.json"
    config = json.loads(file.read_text())
    change(config)
    file.write_text(json.dumps(config))


def save_bin(model, folder, shards=1):
    """As transformers 4 wrote it with safe_serialization=False."""
    import torch
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del tensors["lm_head.weight"]
    model.config.save_pretrained(folder)
    if shards == 1:
        return torch.save(tensors, Path(folder) / "pytorch_model.bin")
    names = list(tensors)
    files = {name: f"pytorch_model-{i * shards // len(names) + 1:05d}-of-{shards:05d}.bin"
             for i, name in enumerate(names)}
    for file in set(files.values()):
        torch.save({name: tensors[name] for name in names if files[name] == file}, Path(folder) / file)
    index = {"metadata": {}, "weight_map": files}
    (Path(folder) / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def spell_as_before(config):
    """The rotary base outside, the rest under rope_scaling with the key `type`, torch_dtype in place of dtype."""
    rope = config.pop("rope_parameters", None)
    config["torch_dtype"] = config.pop("dtype")
    if rope is None:
        return
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    config.pop("layer_types", None)


def bare(model, folder):
    """The body alone, whose tensors have no prefix; its head is the embedding."""
    model.base_model.save_pretrained(folder)


def leave_out_optional(config):
    """What has a default in transformers that the model has too."""
    for key in ("layer_types", "use_cache", "pad_token_id", "architectures", "dtype", "rope_scaling", "head_dim"):
        config.pop(key, None)


FORMS = {
    "bf16": lambda model, folder: model.bfloat16().save_pretrained(folder),
    "fp16": lambda model, folder: model.half().save_pretrained(folder),
    "shards": lambda model, folder: model.save_pretrained(folder, max_shard_size="20KB"),
    "pytorch_model.bin": save_bin,
    "pytorch_model.bin, shards": lambda model, folder: save_bin(model, folder, 3),
    "spelling of 4": lambda model, folder: (model.save_pretrained(folder), rewrite(folder, spell_as_before)),
    "no optional keys": lambda model, folder: (model.save_pretrained(folder), rewrite(folder, leave_out_optional)),
}


def forms_of(config):
    """Name of the form to a function (model, folder) that writes it."""
    return {**FORMS, "body alone": bare} if config.tie_word_embeddings else FORMS
