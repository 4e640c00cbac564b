"""The local page in a real browser: two scans dropped, an answer read."""

import re
import shutil
import socket
import subprocess
import sys

import pytest

from tests.inference.heads import head, nifti

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") and shutil.which("chromedriver")),
    reason="Chromium is not installed (Debian: apt-get install chromium chromium-driver)",
)
QUIET = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
QUIET += ["--disable-component-update", "--no-first-run", "--enable-unsafe-swiftshader", "--window-size=1200,1600"]


@pytest.fixture(scope="module")
def address(folder):
    command = [sys.executable, "-m", "clinimcl.serve", f"model={folder}", "port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()
        yield re.search(r"http://\S+", said)[0]
        process.terminate()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in (*QUIET, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def dropped(browser, address, files):
    """What the page says in the end."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    browser.get(address)
    for role, path in files.items():
        browser.find_element(By.CSS_SELECTOR, f"#drop-{role} input").send_keys(str(path))
    browser.find_element(By.TAG_NAME, "button").click()
    wait = WebDriverWait(browser, 60)
    wait.until(lambda page: page.find_element(By.TAG_NAME, "button").is_enabled())
    return browser.find_element(By.ID, "said")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dropped")
    paths = {role: folder / f"{role}.nii" for role in ("earlier", "later")}
    for seed, path in enumerate(paths.values(), start=1):
        path.write_bytes(nifti(head(seed)))
    return paths


def test_two_scans_dropped_give_an_answer_the_page_and_the_viewer(browser, address, files):
    from selenium.webdriver.common.by import By

    said = dropped(browser, address, files)
    assert re.match(r"(improved|stable|deteriorated): ", said.text)
    assert "refused" not in said.get_attribute("class")
    assert browser.find_element(By.ID, "viewer").get_attribute("data-volumes") == "2"
    browser.switch_to.frame("page")
    assert browser.find_element(By.TAG_NAME, "h1").text in ("Improved", "Stable", "Deteriorated")
    browser.switch_to.default_content()
    wrong = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [message for message in wrong if "favicon" not in message]


def test_nonsense_dropped_gives_a_sentence(browser, address, files, tmp_path):
    (tmp_path / "nonsense.nii").write_bytes(b"hello")
    said = dropped(browser, address, files | {"later": tmp_path / "nonsense.nii"})
    assert said.text == "the later scan cannot be used: not a NIfTI file"
    assert said.get_attribute("class") == "refused"


def test_no_request_leaves_the_machine(browser, address, files):
    import json

    browser.get_log("performance")
    dropped(browser, address, files)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith((address, "data:", "blob:")) for url in asked), asked


def test_another_address_needs_a_token(clinimcl, folder, tmp_path):
    result = clinimcl("serve", f"model={folder}", "host=0.0.0.0", cwd=tmp_path)
    assert result.returncode == 2 and "set token=... (at least 16 characters)" in result.stderr


def test_a_port_in_use_is_told(clinimcl, folder, tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = clinimcl("serve", f"model={folder}", f"port={port}", cwd=tmp_path)
    assert result.returncode == 2 and f"port={port} cannot be served" in result.stderr
