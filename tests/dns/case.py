"""A case of the corpus: a Corefile, questions, and their answers as text.

    a sentence
    --- Corefile
    .:53 { … }
    --- FILE              any other file the Corefile names
    --- answers
    ? NAME TYPE [tcp] [edns=BYTES] [do] [from=ADDRESS]
    RCODE FLAGS
    NAME TTL TYPE DATA    the answer; with `authority` or `additional` in front, the other sections

Records are in the order of the alphabet, and a SOA's serial is SERIAL: what is random or the time is not compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

CORPUS = Path(__file__).parent / "corpus"
SERIAL = re.compile(r"(SOA \S+ \S+) \d+")


@dataclass
class Question:
    name: str
    type: str
    words: list[str]
    answer: list[str] = field(default_factory=list)

    @property
    def transport(self) -> str:
        return "tcp" if "tcp" in self.words else "udp"

    @property
    def client(self) -> str:
        return next((w.removeprefix("from=") for w in self.words if w.startswith("from=")), "127.0.0.1")

    def message(self) -> dns.message.Message:
        size = next((int(w.removeprefix("edns=")) for w in self.words if w.startswith("edns=")), 0)
        return dns.message.make_query(
            self.name, self.type, use_edns=bool(size) or None, payload=size or None, want_dnssec="do" in self.words
        )

    def __str__(self) -> str:
        return " ".join(["?", self.name, self.type, *self.words])


@dataclass
class Case:
    path: Path
    sentence: str
    files: dict[str, str]
    questions: list[Question]

    def text(self) -> str:
        parts = [self.sentence + "\n"]
        parts += [f"--- {name}\n{text}" for name, text in self.files.items()]
        parts.append("--- answers\n")
        parts += ["\n".join([str(q), *q.answer]) + "\n" for q in self.questions]
        return "".join(parts)

    def write_files(self, directory: Path) -> Path:
        for name, text in self.files.items():
            (directory / name).write_text(text)
        return directory / "Corefile"


def read(path: Path) -> Case:
    sentence, *parts = re.split(r"^--- (.+)\n", path.read_text(), flags=re.MULTILINE)
    files = dict(zip(parts[::2], parts[1::2], strict=True))
    questions: list[Question] = []
    for line in files.pop("answers").splitlines():
        if line.startswith("? "):
            _, name, type, *words = line.split()
            questions.append(Question(name, type, words))
        elif line:
            questions[-1].answer.append(line)
    return Case(path, sentence.strip(), files, questions)


def cases() -> list[Path]:
    return sorted(CORPUS.rglob("*.case"))


def described(message: dns.message.Message | None) -> list[str]:
    """Return a response as the corpus has it."""
    if message is None:
        return ["no answer"]
    flags = [name for name in ("AA", "TC", "AD") if message.flags & dns.flags.Flag[name]]
    lines = [" ".join([dns.rcode.to_text(message.rcode()), *(f.lower() for f in flags)])]
    for what, section in (("", message.answer), ("authority ", message.authority), ("additional ", message.additional)):
        found = [
            f"{what}{s.name} {s.ttl} {dns.rdatatype.to_text(s.rdtype)} {data.to_text()}" for s in section for data in s
        ]
        lines += sorted(SERIAL.sub(r"\1 SERIAL", line) for line in found)
    return lines
