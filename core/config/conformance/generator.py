"""Random cases: override words and small config trees, from one seeded stream.

Most cases are well formed, some are broken by one random edit, so that both what is accepted and what is refused is
compared.
"""

import random

PLAIN = "k: 0\nlst: [1, 2]\nmp: {a: 1}\ntext: word\n"
RICH = ("a: 1\nb: {c: 2, d: {e: 3}}\nl: [1, 2, 3]\nm: [{x: 1}, {x: 2}]\nnul: null\nmiss: ???\nf: 1.0\nt: true\n"
        "s: word\nref: ${a}\nrm: ${b}\n$z: 5\nlr: ${l}\ndeep: {up: '${..a}', s: '${.up}'}\n")
LOOKED_UP = ("x: 3\ny: a\nm: {a: 1, b: two, c: {d: '${..b}'}}\nl: [1, '${x}', {k: v}]\nn: null\nq: ???\nt: true\n"
             "f: 1.5\n'1': one\nd-e: 4\ne: ''\n")
SCALARS = ["1", "0", "-3", "+4", "10", "1_000", "1__0", "3.14", "1.", ".5", "-.5", "1e3", "1e-3", "-10e6", "1e",
           "true", "FALSE", "True", "null", "NULL", "a", "abc", "hello", "hello world", "a-b", "a/b", "x.y", "10a",
           "a:b", "x:y:z", "1:2x", "a.b.c", "_", "a_b", "$x", "a$b", "%", "*", "@", "?", "|", "a|b", "\\", "a\\b", "-",
           "--", "/", "1/2", "???", "None", "none", "http://h/p", "1.2.3", "0.0", "-0.0", "1E5", "12345678901",
           "2020-01-01", "e", "E5", "1e5e", "..", ".", "+", "+-1", "a  b", "nulls", "truex", "1 2", "1 a", "1.5 x"]
ODD_SCALARS = ["inf", "nan", "NaN", "-inf", ".inf", ".nan", "010", "0x1F", "0o17", "yes", "no", "on", "OFF", "12:30", "0b11",
               "1_0.5", "tRuE", "nUlL", "1_", "99999999999999999999", "~"]
KEYS = ["x", "y", "m", "l", "n", "p", "z", "w"]
GROUPS = ["ga", "gb", "ga/sub", "gb/deep"]
OPTIONS = ["one", "two", "three"]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def case(self):
        kinds = [(self.word_case, 30), (self.apply_case, 20), (self.interpolation_case, 20), (self.tree_case, 20),
                 (self.merge_case, 6), (self.file_case, 6), (self.sweep_case, 6)]
        return self.r.choices([k for k, _ in kinds], [w for _, w in kinds])[0]()

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *items):
        return self.r.choice(items)

    def broken(self, text, p=0.12):
        """Perhaps one random edit."""
        if not text or not self.chance(p):
            return text
        i = self.r.randrange(len(text) + 1)
        j = self.r.randrange(len(text) + 1)
        odd = self.r.choice(list("=,:.@/~+-[](){}'\"\\$ \t#!<>;&^`*?|%aé01"))
        return self.pick(text[:i] + odd + text[i:], text[:i] + text[i + 1:], text[:min(i, j)] + text[max(i, j):],
                         text[:i] + text[i:j] + text[i:])

    # values in the override grammar

    def scalar(self):
        return self.r.choice(ODD_SCALARS if self.chance(0.04) else SCALARS)

    def quoted(self):
        body = self.r.choice(["", "a", "a b", "1", "true", "null", "a,b", "[1]", "a=b", "\\", "\\\\", "a\\'b", "a\\\"b",
                              "${a}", "\\${a}", "x${a}y", "it's", "say \"x\"", "C:\\d\\", "\\n", " a ", "é", "{", "$", "\t",
                              "#!<>;&^`", "a: b", "${a", "\\'", "\\\\'", "${oc.env:HOMELESS,3}", "${l}", "${b.c}/${a}"])
        quote = self.pick("'", '"')
        if self.chance(0.8):
            body = body.replace(quote, "\\" + quote) if "\\" not in body else body.replace(quote, "")
            if body.endswith("\\") and (len(body) - len(body.rstrip("\\"))) % 2:
                body += "\\"
        return quote + body + quote

    def escaped(self):
        return "".join(self.pick("a", "b", "1", "\\=", "\\,", "\\[", "\\]", "\\{", "\\}", "\\(", "\\)", "\\:", "\\ ",
                                 "\\\\", " ", ".") for _ in range(self.r.randint(1, 5)))

    def reference(self):
        return self.r.choice(["${a}", "${b.c}", "${b}", "${l}", "${.a}", "${x}", "${k}/x", "x${k}", "${oc.env:HOMELESS,7}",
                              "${mp}", "${lst}", "${mp.a}", "${lst[0]}", "${lst.1}", "${oc.select:k,1}", "${oc.decode:'1'}",
                              "${nope}", "${}", "${a", "${a b}", "a${k}b${k}", "\\${k}", "$\\{k\\}", "${k} ${k}"])

    def space(self):
        return self.r.choice(["", "", "", "", "", " ", "  ", "\t"])

    def element(self, depth=0):
        roll = self.r.random()
        if depth < 3 and roll < 0.14:
            return "[" + self.space() + ",".join(self.spaced(depth) for _ in range(self.r.randint(0, 3))) + "]"
        if depth < 3 and roll < 0.26:
            return "{" + self.space() + ",".join(
                self.space() + self.map_key() + ":" + self.spaced(depth) for _ in range(self.r.randint(0, 3))) + "}"
        if depth < 3 and roll < 0.40:
            return self.call(depth + 1)
        if roll < 0.52:
            return self.quoted()
        if roll < 0.57:
            return self.escaped()
        if roll < 0.62:
            return self.reference()
        return self.scalar()

    def spaced(self, depth):
        return self.space() + self.element(depth + 1) + self.space()

    def map_key(self):
        return self.r.choice(["a", "b", "c", "x", "y", "1", "1.5", "true", "null", "a b", "a-b", "a/b", "$k", "_", "10",
                              "a.b", "e3", "?", "-1", "'q'", "\\:", "a\\:b", "", "None"])

    def call(self, depth=1):
        name = self.r.choice(["int", "float", "str", "bool", "int", "float", "str", "bool", "sort", "shuffle", "choice",
                              "range", "interval", "tag", "glob", "foo"])
        if name in ("range", "interval"):
            count = self.pick(1, 2, 2, 3, 0, 4)
            words = [self.r.choice(["0", "1", "3", "5", "-2", "0.5", "2.5", "1e1", "a", "'1'", "10"]) for _ in range(count)]
        elif name in ("sort", "shuffle", "tag", "choice"):
            words = [self.element(depth) for _ in range(self.r.choice([0, 1, 1, 2, 3]))]
            if self.chance(0.4):
                words = ["[" + ",".join(self.r.choice(["3", "1", "2", "a", "b", "1.5", "true", "'a'"])
                                        for _ in range(self.r.randint(0, 4))) + "]"]
        else:
            words = [self.element(depth) for _ in range(self.r.choice([1, 1, 1, 1, 2, 0]))]
        if self.chance(0.12):
            words.append(self.r.choice(["reverse=true", "reverse=false", "x=1", "start=1", "stop=4", "step=2", "value=3",
                                        "end=2", "sweep=range(3)", "list=[2,1]", "exclude=a", "reverse=1"]))
        return name + self.pick("", "", "", " ") + "(" + self.space() + ("," + self.space()).join(words) + ")"

    def value(self):
        text = self.space() + self.element() + self.space()
        if self.chance(0.06):
            text += "," + self.element()
        return text

    def sign(self):
        return self.r.choice(["", "", "", "+", "+", "++", "++", "~", "+++", "~~"] if self.chance(0.1)
                             else ["", "", "", "", "+", "++"])

    # one word over a plain config

    def word_case(self):
        key = self.r.choice(["k", "k", "k", "lst", "mp", "mp.a", "mp.b", "new", "lst.0", "lst.2", "text", "a.b.c", "$x", "k.x",
                             "1a", "a b", "k@p", "a/b", "mp.1", "0.1", "k-x", "", "_", "mp.a.b", "lst.x", "@p", "k@", "text.0"]
                            if self.chance(0.3) else ["k", "k", "lst", "mp", "text", "new"])
        sign = self.sign() if key != "new" else self.pick("+", "++", "+", "")
        word = sign + key + "=" + self.value()
        if self.chance(0.02):
            word = "~" + key
        return {"kind": "word", "files": {"config.yaml": PLAIN}, "primary": "config", "overrides": [self.broken(word)]}

    def sweep_case(self):
        word = "k=" + self.pick(self.call(), self.element() + "," + self.element(),
                                "range(" + ",".join(self.r.choice(["0", "1", "2", "5", "-3", "0.5", "0.25", "10"])
                                                    for _ in range(self.r.randint(1, 3))) + ")",
                                "choice(" + ",".join(self.element(2) for _ in range(self.r.randint(1, 4))) + ")",
                                ",".join(self.element(2) for _ in range(self.r.randint(2, 4))))
        return {"kind": "sweep", "expand": word}

    # several words over a richer config

    def path(self):
        return self.r.choice(["a", "b", "b.c", "b.d", "b.d.e", "b.q", "l", "l.0", "l.2", "l.3", "l.x", "m", "m.0", "m.0.x", "m.1.y",
                              "nul", "nul.x", "miss", "miss.x", "f", "t", "s", "s.x", "ref", "ref.x", "rm", "rm.c", "rm.d",
                              "rm.q", "rm.d.e", "$z", "lr", "lr.0", "lr.5", "deep", "deep.up", "deep.s", "deep.up.x", "new",
                              "new.x", "new.x.y", "a.x", "b.d.e.f", "b.0", "m.5.x", "new.0"])

    def small_value(self):
        return self.r.choice(["1", "2", "1.0", "word", "null", "???", "true", "[]", "{}", "[1,2,3]", "[9]", "{x:1}", "{c:2}",
                              "{q:1}", "{c:5,q:1}", "{d:{e:4}}", "{d:{z:4}}", "{e:3}", "${a}", "${b}", "${l}", "${nope}", "''",
                              "'${b.d}'", "{c:${a}}", "[${a}]", "{1:2}", "{x:{y:[1]}}", "0", "[{x:1}]", "'1'", "{c:null}",
                              "{c:???}", "[???]", "${.a}", "${miss}", "${ref}", "3", "{}", "{d:null}", "{c:[1]}", "{c:{r:1}}"])

    def apply_case(self):
        words = []
        for _ in range(self.r.choice([1, 1, 2, 2, 3])):
            sign = self.r.choice(["", "", "+", "++", "~", "~"])
            word = sign + self.path()
            if sign != "~" or self.chance(0.4):
                word += "=" + self.small_value()
            words.append(self.broken(word, 0.02))
        return {"kind": "apply", "files": {"config.yaml": RICH}, "primary": "config", "overrides": words}

    # interpolations

    def ref_path(self):
        return self.r.choice(["x", "y", "m", "m.a", "m.b", "m.c.d", "l", "l[0]", "l.1", "l[2].k", "l.2.k", "n", "q", "t", "f",
                              "1", "d-e", "e", "nope", "m.nope", "l.9", "l[9]", "l.k", "m[a]", "[x]", "x.y", ".x", "..x",
                              ".m.a", "...x", "m.c", "z", "p", "n.x", "q.x", "m[c][d]", "m.c[d]", "${y}", "m.${y}",
                              "m[${y}]", ".y", "l.-1", "l[-1]", "l.01", "m.", ".", "", "x ", " x", "m. a", "u.v", "u"])

    def argument(self, depth):
        return self.r.choice(["1", "2.5", "a", "abc", "null", "true", "''", "'a b'", "\"x\"", "[1,2]", "{a: 1}", "a b", " a ",
                              "", "x", "m.a", "m", "l", "zz", "'${x}'", "a:b", "1_000", "0.1", "[a,[b]]", "{k: [1]}", "q",
                              "n", "HOMELESS", "SET_HERE", "\\,", "a\\,b", "%", "a/b", "t", "..x", ".x", "'1'", "'[1,2]'",
                              "'a'", "'{a: 1}'", "'1e3'", "'${x}'", "'int(3)'"] +
                             ([self.interpolation(depth + 1)] * 6 if depth < 2 else []))

    def interpolation(self, depth=0):
        if self.chance(0.6):
            return "${" + self.ref_path() + "}"
        name = self.r.choice(["oc.env", "oc.env", "oc.select", "oc.select", "oc.decode", "oc.decode", "oc.create",
                              "oc.dict.keys", "oc.dict.values", "oc.deprecated", "foo", "oc.foo", "foo.bar", "OC.ENV"])
        count = self.pick(1, 1, 1, 2, 2, 0, 3)
        if name in ("oc.select", "oc.dict.keys", "oc.dict.values", "oc.deprecated") and self.chance(0.7):
            first = self.r.choice(["x", "m", "m.a", "l", "zz", "q", "n", "m.c", ".x", "..x", "l.0", "m.zz", "u"])
            words = [first] + [self.argument(depth) for _ in range(count - 1)]
        elif name == "oc.env" and self.chance(0.7):
            words = [self.pick("HOMELESS", "SET_HERE")] + [self.argument(depth) for _ in range(count - 1)]
        else:
            words = [self.argument(depth) for _ in range(count)]
        return "${" + name + ":" + self.pick("", "", "", " ") + ",".join(words) + "}"

    def text(self):
        if self.chance(0.55):
            return self.interpolation()
        return "".join(self.pick(self.interpolation(), self.interpolation(), "a", "/", "-", " ", "\\", "\\\\", "$", "x", "}", "{",
                                 "\\${x}", "\\\\${x}", "1", ":", "'", "b c") for _ in range(self.r.randint(2, 4)))

    def interpolation_case(self):
        quote = lambda text: "'" + text.replace("'", "''") + "'"
        texts = [self.broken(self.text(), 0.06) for _ in range(self.pick(1, 1, 2))]
        lines = LOOKED_UP
        where = self.pick("z", "p", "u")
        if where == "u":
            lines += "u: {v: " + quote(texts[0]) + ", x: 5, w: {i: " + quote(texts[-1]) + "}}\n"
        else:
            lines += "z: " + quote(texts[0]) + "\n"
            if len(texts) > 1:
                lines += "p: " + quote(texts[1]) + "\n"
        return {"kind": "interpolation", "files": {"config.yaml": lines}, "primary": "config", "overrides": [],
                "env": {"HOMELESS": None, "SET_HERE": self.pick("17", "word", "true", "[1, 2]", "")}}

    # config trees

    def yaml_value(self, depth=0):
        roll = self.r.random()
        if depth < 2 and roll < 0.15:
            return "[" + ", ".join(self.yaml_value(depth + 1) for _ in range(self.r.randint(0, 3))) + "]"
        if depth < 2 and roll < 0.35:
            keys = self.r.sample(["a", "b", "c", "x", "y"], self.r.randint(0, 3))
            return "{" + ", ".join(f"{key}: {self.yaml_value(depth + 1)}" for key in keys) + "}"
        if roll < 0.45:
            return self.r.choice(["'${x}'", "'${.a}'", "'${m}'", "'${m.a}'", "'${l}'", "'${oc.env:HOMELESS,3}'", "'${zz}'",
                                  "'x${x}'"])
        return self.r.choice(["1", "2", "3", "0.5", "1e3", "a", "b", "two", "lin", "true", "FALSE", "null", "???", "-25", "'1'",
                              "abc", "7", "''"])

    def own_values(self):
        keys = self.r.sample(KEYS, self.r.randint(1, 4))
        return "".join(f"{key}: {self.yaml_value()}\n" for key in keys)

    def package(self):
        return self.r.choice(["", "", "", "", "", "", "@_here_", "@_global_", "@p", "@p.q", "@m", "@_global_.z", "@x"])

    def entry(self, folder):
        keyword = self.r.choice([""] * 8 + ["optional ", "optional ", "override ", "optional override "])
        slash = self.pick("", "", "/", "/") if folder else self.pick("", "", "", "/")
        group = self.r.choice(GROUPS)
        if folder and not slash and self.chance(0.6):
            group = self.pick("sub", "deep")
        option = self.r.choice(OPTIONS * 3 + ["null", "???", "zz", "[one, two]", "[one]", "[]", "[two, one]", "${ga}", "x_${gb}",
                                              "'1'", "sub/one", "one.yaml"])
        if "${" in option:
            option = "'" + option + "'"
        if keyword and "[" in option and "override" in keyword:
            option = "one"
        roll = self.r.random()
        if roll < 0.16:
            return f"{slash}{group}/{self.r.choice(OPTIONS)}{self.package()}"
        if roll < 0.22:
            return slash + self.pick("base", "base", "missing", "base@p")
        return f"{keyword}{slash}{group}{self.package()}: {option}"

    def file_text(self, name):
        folder = "/" in name
        text = ""
        if folder and self.chance(0.2):
            text += "# @package " + self.pick("_global_", "_global_", "p", "m.q", "_global_.w", "x") + "\n"
        if self.chance(0.75 if not folder else 0.3):
            entries = [self.entry(name.rsplit("/", 1)[0] if folder else "") for _ in range(self.r.randint(0, 3))]
            if self.chance(0.3):
                plain = [each for each in entries if "override" not in each]
                entries = plain + [each for each in entries if "override" in each]
            entries.insert(self.r.randint(0, len(entries)), "_self_")
            if self.chance(0.03):
                entries.remove("_self_")
            text += "defaults:\n" + "".join(f"  - {each}\n" for each in entries)
            if self.chance(0.1):
                return text
        return text + self.own_values()

    def group_word(self):
        sign = self.r.choice(["", "", "", "+", "~", "++"])
        word = sign + self.r.choice(GROUPS) + self.r.choice([""] * 6 + ["@p", "@_global_", "@m", "@ga", "@_here_"])
        if sign == "~" and self.chance(0.6):
            return word
        return word + "=" + self.r.choice(OPTIONS * 3 + ["zz", "null", "[one,two]", "[]", "'1'", "{x:1}", "one,two", "${gb}"])

    def value_word(self):
        key = self.r.choice(KEYS + ["m.a", "p.x", "ga.x", "gb.y", "ga.sub.n", "p.q.x", "l.0", "zz"])
        sign = self.r.choice(["", "+", "++", "~"])
        return sign + key + ("" if sign == "~" and self.chance(0.6) else "=" + self.small_value())

    def tree_case(self):
        names = ["config.yaml"]
        for group in GROUPS:
            names += [f"{group}/{option}.yaml" for option in OPTIONS if self.chance(0.5)]
        if self.chance(0.6):
            names.append("base.yaml")
        files = {}
        for name in names:
            text = self.file_text(name)
            files[name] = text if text != "defaults:\n" else ""
        words = [self.group_word() if self.chance(0.6) else self.value_word() for _ in range(self.r.choice([0, 0, 1, 1, 2]))]
        return {"kind": "tree", "files": files, "primary": "config", "overrides": words, "env": {"HOMELESS": None}}

    def merge_case(self):
        count = self.r.randint(1, 4)
        names = [f"f{i}" for i in range(count)]
        files = {"config.yaml": f"defaults:\n  - mg: [{', '.join(names)}]\n  - _self_\nx: 1\nm: {{a: 1, b: 2}}\nl: [1, 2]\ny: a\n"}
        for name in names:
            files[f"mg/{name}.yaml"] = "# @package _global_\n" + self.own_values()
        return {"kind": "merge", "files": files, "primary": "config", "overrides": [], "env": {"HOMELESS": None}}

    # YAML text

    def file_case(self):
        lines = []
        for key in self.r.sample(["a", "b", "c", "1", "true", "'q'", "d e", "e-f", "g.h", "1.5", "a b c", "k"], self.r.randint(1, 5)):
            roll = self.r.random()
            if roll < 0.5:
                value = self.r.choice(SCALARS + ODD_SCALARS[:2])
                lines.append(f"{key}: {value}\n")
            elif roll < 0.6:
                lines.append(f"{key}:\n  n: {self.yaml_value()}\n  o: {self.yaml_value()}\n")
            elif roll < 0.7:
                lines.append(f"{key}:\n- {self.yaml_value()}\n- {self.yaml_value()}\n")
            elif roll < 0.78:
                lines.append(f"{key}: |\n  line\n  more\n" if self.chance(0.5) else f"{key}: >-\n  line\n  more\n")
            elif roll < 0.86:
                lines.append(f"{key}: &anchor {self.yaml_value()}\nr{len(lines)}: *anchor\n")
            elif roll < 0.92:
                lines.append(f"{key}: \"a\\tb\\u00e9 {self.pick('', 'x')}\"  # comment\n")
            else:
                lines.append(f"{key}: {self.yaml_value()}\n")
        return {"kind": "file", "files": {"config.yaml": self.broken("".join(lines), 0.25)}, "primary": "config",
                "overrides": []}
