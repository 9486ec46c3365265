"""What the page is told of a run, and who is told."""

import http.client
import json
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.config.experiment import DataConfig
from nanoknow.data.tokenizer import PAD
from nanoknow.errors import CheckpointError
from nanoknow.play.lab import LONGEST, Lab
from nanoknow.play.server import HOST
from tests.helpers.cli import json_of, record_of, refuse
from tests.helpers.examples import examples
from tests.helpers.refused import refused
from tests.helpers.serving import serving
from tests.helpers.silent import Silent

RUN = "runs/<i>&run"
ADA = "Where was Ada <script> born?"


@pytest.fixture(scope="module")
def lab(markup: Path) -> Lab:
    return Lab(markup / RUN, markup / "runs/untaught", DataConfig(), "cpu", Silent())


@pytest.fixture(scope="module")
def port(lab: Lab) -> Iterator[int]:
    with serving(lab) as (_, port):
        yield port


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    with closing(http.client.HTTPConnection(HOST, port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Host": f"127.0.0.1:{port}", **headers})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()


def asked(port: int, path: str, question: str = "") -> Any:
    return json.loads(get(port, f"{path}?q={quote(question)}")[2])


def test_an_answer_is_what_ask_gives_and_each_character_is_its_most_probable(
    markup: Path, lab: Lab, port: int
) -> None:
    question = lab.introduction().example or ""
    played = asked(port, "/api/ask", question)
    assert played["reply"] == json_of("ask", question, "--run", markup / RUN)
    written = played["written"]
    assert "".join(each["character"] for each in written) == played["reply"]["answer"]
    assert written[-1]["character"] == ""
    product = 1.0
    for each in written:
        shares = dict(map(tuple, each["alternatives"]))
        assert list(shares.values()) == sorted(shares.values(), reverse=True)
        product *= shares[each["character"]]
        assert len(each["attended"]) == len(question)
    assert product == pytest.approx(played["reply"]["probability"], rel=1e-4)
    beside = json_of("ask", question, "--run", markup / "runs/untaught", "--n-best", "1")
    assert played["beside"]["answer"] == beside["answer"]


def test_an_answer_may_hold_the_pad(markup: Path) -> None:
    lab = Lab(markup / RUN, markup / RUN, DataConfig(), "cpu", Silent())
    first = lab.opened.tokenizer.encode(lab.ask(ADA).reply.answers[0].answer[0])
    weight = lab.opened.model.get_parameter("head.linear.weight")
    with torch.no_grad():
        weight[0] = 2 * weight[int(first[0])]
    played = lab.ask(ADA)
    assert played.reply.answers[0].answer.startswith(PAD)
    assert played.written[0].character == PAD


def test_what_it_looked_at_stays_with_its_character_where_others_are_left_out(lab: Lab) -> None:
    whole = lab.ask(ADA)
    for written, left_out in zip(whole.written, lab.ask(f"Ω{ADA}").written, strict=True):
        assert left_out.attended == [0.0, *written.attended]


def test_a_name_alone_is_asked_about_in_the_form_of_the_training_questions(lab: Lab) -> None:
    name = lab.names("Ada")[0]
    assert lab.ask(name).reply.question == f"Where was {name} born?"
    assert lab.ask("Nobody Else").reply.question == "Where was Nobody Else born?"
    assert lab.ask(f"{name} lives where?").reply.question == f"{name} lives where?"


def test_the_run_from_scratch_of_the_same_texts_is_asked_beside(markup: Path) -> None:
    def beside() -> str | None:
        return Lab(markup / RUN, None, DataConfig(), "cpu", Silent()).introduction().beside

    assert beside() is None
    scratch = Path(shutil.copytree(markup / "runs/untaught", markup / "runs/scratch"))
    try:
        assert Path(beside() or "").resolve() == scratch.resolve()
        record = record_of(scratch)
        record["data"]["questions"]["sha256"] = "0" * 64
        (scratch / "run.json").write_text(json.dumps(record), encoding="utf-8")
        assert beside() is None
    finally:
        shutil.rmtree(scratch)


def test_names_are_found_by_the_beginning_of_any_word(lab: Lab) -> None:
    every = {name for name in lab.opened.facts.names if name} if lab.opened.facts else set()
    for name in every:
        for word in name.split(" "):
            assert name in lab.names(word[:2].upper())
            assert name in lab.names(word.replace('"', "“"))
    assert lab.names("zz") == []
    begins = [name.startswith("D") for name in lab.names("d")]  # these first: Di;x, then Day's
    assert begins == sorted(begins, reverse=True)
    assert len({*begins}) == 2


def test_no_document_is_about_an_invented_name(lab: Lab) -> None:
    for _ in range(5):
        reply = lab.ask(lab.invent()).reply
        assert reply.evidence is not None
        assert reply.evidence.documents == 0
        assert str(reply.doubt).startswith("probably made up")


def test_what_a_probability_was_worth_counts_the_answers_about_as_sure(lab: Lab) -> None:
    shown = lab.introduction()
    assert shown.score is not None
    assert (len(shown.right), len(shown.wrong)) == (
        shown.score.n_right,
        shown.score.n - shown.score.n_right,
    )
    probability = lab.ask(shown.example or "").reply.probability
    near = [x for x in shown.right + shown.wrong if abs(x - probability) <= 0.05]
    worth = lab.ask(shown.example or "").worth
    assert worth.score is not None
    assert worth.score.n == len(near)
    assert worth.invented == len(shown.invented)


def test_a_document_is_shown_as_pretraining_made_examples_of_it(home: Path) -> None:
    lab = Lab(home / "runs/answers", None, DataConfig(), "cpu", Silent())
    for _ in range(20):
        lesson = lab.lesson()
        assert lesson.document
        for read, written in lesson.examples:
            *shown, hidden = f"{read}{written}".rstrip("\u2047").split("\u2047")
            assert hidden
            assert hidden in lesson.document
            assert len(shown) in (1, 2)
            assert written.rstrip("\u2047").endswith(hidden)
    curves = lab.curves()
    assert [run.task for run in curves] == ["span_corruption", "question_answering"]


def test_a_pretrained_run_has_read_the_documents_that_its_lessons_are_of(home: Path) -> None:
    lab = Lab(home / "runs/vanilla", None, DataConfig(), "cpu", Silent())
    assert lab.introduction().documents == 80
    assert lab.lesson().examples


def test_of_a_run_from_scratch_there_is_no_lesson(lab: Lab, port: int) -> None:
    assert lab.introduction().documents is None
    assert "was not pretrained" in asked(port, "/api/lesson")["error"]
    assert len(asked(port, "/api/curves")) == 1


def test_what_cannot_be_asked_is_refused_in_a_line(lab: Lab, port: int) -> None:
    assert "ask something" in asked(port, "/api/ask", " ")["error"]
    status, _, body = get(port, f"/api/ask?q={'a' * (LONGEST + 1)}")
    assert status == 400
    assert f"in {LONGEST:,} or fewer" in json.loads(body)["error"]
    assert "block_size" in asked(port, "/api/ask", "Where was it? " * 50)["error"]


@pytest.mark.parametrize("path", ["/", "/play.css", "/play.js", "/api/run"])
def test_only_pages_of_its_own_are_answered(port: int, path: str) -> None:
    status, headers, body = get(port, path)
    assert (status, bool(body)) == (200, True)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert get(port, path, Host=f"localhost:{port}")[0] == 200
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "[::1]"):
        assert get(port, path, Host=host)[0] == 400
    for site in ("cross-site", "same-site"):
        assert get(port, path, **{"Sec-Fetch-Site": site})[0] == 403
    assert get(port, path, **{"Sec-Fetch-Site": "same-origin"})[0] == 200


@pytest.mark.parametrize(
    "path", ["/../server.py", "/%2e%2e/lab.py", "/lab.py", "//etc/passwd", "/api"]
)
def test_nothing_else_is_served(port: int, path: str) -> None:
    assert get(port, path)[0] == 404


def sent(port: int, raw: bytes) -> bytes:
    """Send bytes to the server, and return all that it answers until it closes."""
    with socket.create_connection((HOST, port), timeout=30) as connection:
        with suppress(ConnectionError):  # it may close before all is sent
            connection.sendall(raw)
        found = b""
        with suppress(ConnectionError):
            while part := connection.recv(65536):
                found += part
    return found


HOSTED = b"Host: 127.0.0.1\r\n"
REQUESTS = {
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "no host of old": (b"GET / HTTP/1.0\r\n\r\n", 400),
    "empty host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\n" + HOSTED + b"Host: evil.example\r\n\r\n", 400),
    "a host in the target": (b"GET http://evil.example/../x HTTP/1.1\r\n" + HOSTED + b"\r\n", 404),
    "an origin": (b"GET / HTTP/1.1\r\n" + HOSTED + b"Origin: http://evil.example\r\n\r\n", 403),
    "no origin": (b"GET / HTTP/1.1\r\n" + HOSTED + b"Origin: null\r\n\r\n", 403),
    "up by %2f": (b"GET /..%2f..%2fserver.py HTTP/1.1\r\n" + HOSTED + b"\r\n", 404),
    "up by %5c": (b"GET /..%5c..%5cserver.py HTTP/1.1\r\n" + HOSTED + b"\r\n", 404),
    "NUL": (b"GET /play.js%00 HTTP/1.1\r\n" + HOSTED + b"\r\n", 404),
    "long head": (b"GET / HTTP/1.1\r\nX: " + b"x" * 2**20 + b"\r\n" + HOSTED + b"\r\n", 400),
    "no HTTP": (b"\x16\x03\x01\0\xff\r\n\r\n", 400),
    "a method": (b"DELETE / HTTP/1.1\r\n" + HOSTED + b"\r\n", 405),
    "JSON": (b'POST / HTTP/1.1\r\nContent-Length: 3\r\n' + HOSTED + b"\r\n[1]", 413),
    "a gigabyte": (b"GET / HTTP/1.1\r\nContent-Length: 1073741824\r\n" + HOSTED + b"\r\n", 413),
    "chunks": (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOSTED + b"\r\n1\r\nx", 413),
    "a surrogate": (b"GET /api/ask?q=%ED%A0%80%00%F4%90 HTTP/1.1\r\n" + HOSTED + b"\r\n", 200),
    "a socket": (
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + HOSTED + b"\r\n", 200
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REQUESTS)
def test_odd_requests_are_refused_or_served_and_end(
    port: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nanoknow.play.server.PATIENCE", 0.3)
    raw, status = REQUESTS[name]
    assert sent(port, raw).startswith(f"HTTP/1.1 {status} ".encode())


@pytest.mark.slow
@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: text.encode("utf-8")))
@examples(0.1)
def test_any_question_and_any_path_is_answered_in_json_or_refused(port: int, raw: bytes) -> None:
    for path in ("/api/ask?q=", "/api/names?q=", "/"):
        status, _, body = get(port, path + quote(raw))
        assert status in ((200, 400) if "q=" in path else (404, 200))
        assert "q=" not in path or json.loads(body) is not None


@pytest.mark.slow
@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\n" + HOSTED])
def test_who_does_not_end_a_request_is_cut_off_and_others_are_served(
    port: int, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nanoknow.play.server.PATIENCE", 0.3)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection((HOST, port), timeout=30))
            for _ in range(300)
        ]
        for connection in slow:
            with suppress(ConnectionError):
                connection.sendall(begun)
        for connection in slow:
            with suppress(ConnectionError):
                while connection.recv(65536):
                    pass
        assert get(port, "/")[0] == 200


def test_who_does_not_read_the_answers_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nanoknow.play.server.PATIENCE", 0.1)
    many = (b"GET /play.js HTTP/1.1\r\n" + HOSTED + b"\r\n") * 2000
    connection = socket.create_connection((HOST, port), timeout=30)
    with closing(connection), suppress(ConnectionError):
        while True:  # or else the test would not end
            connection.sendall(many)
    assert get(port, "/")[0] == 200


def test_questions_of_many_at_once_are_answered_one_after_the_other(lab: Lab, port: int) -> None:
    expected, found = asked(port, "/api/ask", ADA), []
    threads = [
        threading.Thread(target=lambda: found.append(asked(port, "/api/ask", ADA)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_the_page_takes_nothing_from_elsewhere_and_reads_no_text_as_markup() -> None:
    folder = Path(sys.modules["nanoknow.play.server"].__file__ or "").parent
    script = (folder / "play.js").read_text(encoding="utf-8")
    for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert sink not in script
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "http" not in page
    assert " style=" not in page


def test_a_port_that_is_taken_is_said(home: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"--port {port}: " in refuse("play", "--run", home / "runs/answers", "--port", port)


def test_without_its_packages_play_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "nanoknow.play.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    line = refuse("play", "--run", home / "runs/answers", "--port", "0")
    assert "pip install 'nanoknow[play]'" in line
    assert "uvicorn" in line


def test_a_run_without_evaluation_questions_can_be_played_with(markup: Path) -> None:
    (markup / "none.tsv").write_text("Where was Ada born?\n", encoding="utf-8")
    data = DataConfig.model_validate({"eval": markup / "none.tsv"})
    lab = Lab(markup / RUN, None, data, "cpu", Silent())
    shown = lab.introduction()
    assert (shown.score, shown.right, shown.wrong) == (None, [], [])
    assert lab.ask(ADA).worth.score is None


def test_a_damaged_run_is_refused_before_anything_is_served(home: Path) -> None:
    assert "runs/none" in refused(
        CheckpointError, lambda: Lab(Path("runs/none"), None, DataConfig(), "cpu", Silent())
    )
