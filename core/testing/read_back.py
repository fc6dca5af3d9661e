# Reads what our writers wrote, as its readers do, and prints it as JSON: {"cells": [...], "links": [...], "pictures": [...]}.
#   read_back.py html FILE | gfm FILE | csv FILE | svg FILE
# gfm: through cmark-gfm, GitHub's own reader. cells: the texts of table cells, list items, headings and paragraphs; of csv: all
# fields; of svg: all texts.
import csv, json, subprocess, sys, xml.etree.ElementTree
from html.parser import HTMLParser


class Reader(HTMLParser):
    blocks = ("td", "th", "li", "h1", "h2", "h3", "p", "caption")

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.cells, self.links, self.pictures, self.open, self.tags = [], [], [], False, set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        values = dict(attributes)
        if tag in self.blocks:
            self.cells.append("")
            self.open = True
        if tag == "a":
            self.links.append(values.get("href"))
        if tag == "img":
            self.pictures.append([values.get("alt"), values.get("src")])

    def handle_endtag(self, tag):
        if tag in self.blocks:
            self.open = False

    def handle_data(self, data):
        if self.open:
            self.cells[-1] += data


def read_html(text):
    reader = Reader()
    reader.feed(text)
    reader.close()
    return {"cells": reader.cells, "links": reader.links, "pictures": reader.pictures, "tags": sorted(reader.tags)}


kind, file = sys.argv[1:]
if kind == "html":
    found = read_html(open(file, encoding="utf-8", newline="").read())
elif kind == "gfm":
    page = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "strikethrough", "-e", "autolink", "-e", "tasklist", file],
                          check=True, stdout=subprocess.PIPE).stdout
    found = read_html(page.decode("utf-8"))
elif kind == "csv":
    with open(file, encoding="utf-8", newline="") as lines:
        found = {"cells": [field for row in csv.reader(lines, strict=True) for field in row]}
else:
    found = {"cells": ["".join(each.itertext()) for each in xml.etree.ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]}
print(json.dumps(found))
