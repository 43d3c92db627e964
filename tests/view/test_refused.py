"""Who is refused, and that no address leads out of the runs folder; over a real socket."""

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from autoreward.report.page import write_report
from autoreward.testing.folder import example_run
from autoreward.view import files
from autoreward.view.files import unshowable
from autoreward.view.guard import HEADERS
from autoreward.view.server import serve
from tests.view.asking import ask
from tests.view.conftest import DONE

SECRET = "PRIVATE TEXT"


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A server over a folder beside which a run and a file lie that are nobody's business, with links to them."""
    place = tmp_path_factory.mktemp("linked")
    outside = example_run(place / "outside")
    write_report(outside)
    (outside / "report.html").write_text(SECRET)
    runs = place / "runs"
    one = example_run(runs / "run")
    write_report(one)
    (runs / "file.txt").write_text(SECRET)
    (runs / "link").symlink_to(outside)
    (runs / "folder").symlink_to(place)
    for name, link, target in (
        ("page", "report.html", outside / "report.html"),
        ("program", "rounds/01/candidates/1/reward.py", outside / "report.html"),
        ("rounds", "rounds", outside / "rounds"),
    ):
        shutil.copytree(one, runs / name, ignore=shutil.ignore_patterns("report.html"))
        path = runs / name / link
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(target)
    with serve(runs) as served:
        yield served.url, place


@pytest.mark.parametrize(
    "host",
    [
        None,
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost.evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1:{port}@evil.example",
        "0.0.0.0:{port}",
        "[::1]:{port}",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:{port}:{port}",
        "127.0.0.1, evil.example",
    ],
)
def test_a_name_that_is_none_of_this_machine_is_refused(url: str, host: str | None) -> None:
    """As after DNS rebinding: the address is ours, and the browser takes the page for another site's."""
    answer = ask(url, "/", host=host and host.format(port=urlsplit(url).port))
    assert answer.status in (400, 403)
    assert DONE not in answer.text


def test_two_names_are_refused(url: str) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        hosts = f"Host: {place.netloc}\r\nHost: evil.example\r\n"
        connection.sendall(f"GET / HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert connection.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:80", "127.0.0.1:9000"])
def test_a_forwarded_port_is_answered(url: str, host: str) -> None:
    """`ssh -L 9000:127.0.0.1:PORT` gives the page another port."""
    assert ask(url, "/", host=host).status == 200
    assert ask(url, "/", host=host, Origin=f"http://{host}").status == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://{own}", "http://localhost:{port}", "http://{own}.evil.example", ""],
)
def test_another_origin_is_refused(url: str, origin: str) -> None:
    own, port = urlsplit(url).netloc, urlsplit(url).port
    answer = ask(url, "/changes", Origin=origin.format(own=own, port=port))
    assert answer.status == 403
    assert "another site has asked" in answer.text
    assert "access-control-allow-origin" not in answer.headers
    assert ask(url, "/changes", Origin=f"http://{own}").status == 200


def test_what_another_site_leads_to_or_embeds_is_refused(url: str) -> None:
    for site in ("cross-site", "same-site"):
        assert ask(url, "/", Sec_Fetch_Site=site).status == 403
    for site in ("none", "same-origin"):
        assert ask(url, "/", Sec_Fetch_Site=site).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", f"/run/{DONE}", "/compare"])
def test_nothing_can_be_sent(url: str, method: str, path: str) -> None:
    answer = ask(url, path, method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    "path", ["/", "/nothing", f"/run/{DONE}", "/run/damaged", "/changes", "/view.css", "/favicon.ico"]
)
def test_no_page_of_ours_can_be_framed_or_read_by_another_site(url: str, path: str) -> None:
    for host in ("", "evil.example"):
        found = ask(url, path, host=host).headers
        assert {name: found.get(name) for name in HEADERS if name != "content-security-policy"} == {
            name: value for name, value in HEADERS.items() if name != "content-security-policy"
        }
        policy = found["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "server" not in found


@pytest.mark.parametrize(
    "path",
    [
        "/run/../outside",
        "/run/run/../../outside",
        "/run/%2e%2e/outside",
        "/run/..%2foutside",
        "/run/..%5coutside",
        "/run/%252e%252e%252foutside",
        "/run/run%2f..%2f..%2foutside",
        "/run/./run",
        "/run//run",
        "/run/run/",
        "/run/run/report.html",
        "/run/run/run.json",
        "/run/run%00",
        "/run/file.txt",
        "/run/link",
        "/run/link/",
        "/run/folder/outside",
        "/run/folder%2foutside",
        "/run/{place}/outside",
        "/run/{quoted}%2foutside",
        "/run/%ff%fe",
        "/run/",
        "/run/.",
        "/run/..",
        "/../outside/report.html",
        "/..%2foutside/report.html",
        "//outside/report.html",
        "/view.css/../../outside",
        "http://127.0.0.1/run/../outside",
        "/compare?run=run&run=../outside",
        "/compare?run=run&run=%2e%2e%2foutside",
        "/compare?run=run&run=link",
        "/compare?run=run&run={place}/outside",
        "/compare?run=run&run=--isolation",
    ],
)
def test_no_address_leads_out_of_the_runs_folder(linked: tuple[str, Path], path: str) -> None:
    url, place = linked
    answer = ask(url, path.format(place=place, quoted=str(place).replace("/", "%2f")))
    assert answer.status == 404
    assert SECRET not in answer.text
    assert "designed reward" not in answer.text


@pytest.mark.parametrize("run", ["page", "program", "rounds"])
def test_a_run_with_links_in_it_brings_nothing_from_elsewhere(linked: tuple[str, Path], run: str) -> None:
    """Its row is there; no page is made of what its links lead to."""
    url, _ = linked
    assert f'data-key="{run}"' in ask(url, "/").text
    report, compared = ask(url, f"/run/{run}"), ask(url, f"/compare?run=run&run={run}")
    for answer in (report, compared):
        assert SECRET not in answer.text
        assert answer.status == 422
        assert "is a link" in answer.text


def test_no_page_is_made_of_what_could_hold_it_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a folder that is only large is not said to hold a link."""
    run = tmp_path / "run"
    (run / "rounds").mkdir(parents=True)
    (run / "run.json").touch()
    assert unshowable(run) == ""
    os.mkfifo(run / "rounds" / "verify.json")
    assert unshowable(run).startswith("/rounds/verify.json is no plain file")
    (run / "rounds" / "verify.json").unlink()
    monkeypatch.setattr(files, "MOST_WALKED", 1)
    assert unshowable(run).startswith(" has more than 1 files")


def test_links_are_no_rows(linked: tuple[str, Path]) -> None:
    url, _ = linked
    page = ask(url, "/").text
    assert 'data-key="run"' in page
    assert "link" not in [part.partition('"')[0] for part in page.split('data-key="')]
    assert SECRET not in page
