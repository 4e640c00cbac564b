"""The dashboard needs no server to be built, and is saved where there is a key."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

KEY = "0123456789" * 4
UNREACHABLE = {"WANDB_BASE_URL": "http://127.0.0.1:9"}  # where nobody listens


def test_without_a_key_the_definition_is_written_and_how_to_save_it_is_said(clinimcl, tmp_path):
    own = {**UNREACHABLE, "WANDB_API_KEY": "", "HOME": str(tmp_path)}  # no key in a file of the home folder either
    result = clinimcl("dashboard", "project=some", cwd=tmp_path, **own)
    assert result.returncode == 0, result.stderr
    assert "wandb login" in result.stdout and str(tmp_path / "dashboard.json") in result.stdout
    assert json.loads((tmp_path / "dashboard.json").read_text())["project"] == "some"


def test_with_a_key_the_workspace_is_saved_and_its_address_printed(clinimcl, server, tmp_path):
    address, received = server
    result = clinimcl("dashboard", "project=some", cwd=tmp_path, WANDB_BASE_URL=address, WANDB_API_KEY=KEY)
    assert result.returncode == 0, result.stderr
    assert f"dashboard: {address}/someone/some?nw=view" in result.stdout
    (variables,) = received
    assert (variables["entityName"], variables["projectName"]) == ("someone", "some")
    assert "test/balanced_accuracy" in variables["spec"]


def test_a_server_that_refuses_is_told_in_a_sentence(clinimcl, server, tmp_path):
    result = clinimcl("dashboard", "project=forbidden", cwd=tmp_path, WANDB_BASE_URL=server[0], WANDB_API_KEY=KEY)
    assert result.returncode == 2
    assert "cannot be saved" in result.stderr and "permission denied" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_is_asked_for_is_written_and_nothing_sent(clinimcl, server, tmp_path):
    own = {"WANDB_BASE_URL": server[0], "WANDB_API_KEY": KEY}
    assert clinimcl("dashboard", "project=some", "out=new/it.json", cwd=tmp_path, **own).returncode == 0
    assert (tmp_path / "new" / "it.json").is_file()
    assert server[1] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "project must be given"),
        (["project="], "project must be a name"),
        (["project=a/b"], "project must be a name"),
        (["project=some", "entity="], "entity must be a name"),
        (["project=some", "out=."], "must be a file to write"),
    ],
)
def test_bad_input_gets_a_sentence(clinimcl, tmp_path, arguments, said):
    result = clinimcl("dashboard", *arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert said in result.stderr and "Traceback" not in result.stderr


def test_what_to_install_is_said_where_wandb_workspaces_is_missing(tmp_path):
    code = (
        "import sys, runpy; sys.modules['wandb_workspaces'] = None; sys.argv[1:] = ['project=some'];"
        "runpy.run_module('clinimcl.dashboard', run_name='__main__')"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 2
    assert "needs wandb_workspaces, not installed: pip install 'clinimcl[train]'" in result.stderr


@pytest.fixture
def server():
    """As much of a W&B server as saving needs: its address, and the views that it was given."""
    received = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            request = json.loads(asked) if self.path == "/graphql" else {"query": ""}
            data = {"viewer": {"id": "1", "entity": "someone", "username": "someone", "teams": {"edges": []}}}
            errors = []
            if "upsertView" in request["query"]:
                received.append(request["variables"])
                data = {"upsertView": {"view": {"id": "1", "name": "nw-view-v"}, "inserted": True}}
                errors = [{"message": "permission denied"}] if received[0]["projectName"] == "forbidden" else []
            answer = json.dumps({"errors": errors} if errors else {"data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", received
        running.shutdown()
