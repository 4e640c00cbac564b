"""The local page in a real browser: two scans dropped, an answer read."""

import re
import shutil
import socket
import subprocess
import sys
import time

import pytest

from tests.inference.heads import head, nifti
from tests.inference.planted import planted_slices

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


def chosen(browser, address, files):
    """What the page says in the end."""
    from selenium.webdriver.common.by import By

    browser.get(address)
    for role, path in files.items():
        browser.find_element(By.CSS_SELECTOR, f"#drop-{role} input").send_keys(str(path))
    return asked(browser)


def asked(browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    wait, button = WebDriverWait(browser, 60), browser.find_element(By.TAG_NAME, "button")
    wait.until(lambda _: button.is_enabled())
    button.click()
    wait.until(lambda _: button.is_enabled())
    return browser.find_element(By.ID, "said")


def drop(browser, path, element):
    """As the desktop hands a file or a folder to the browser."""
    place = browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center'}); return arguments[0].getBoundingClientRect()", element
    )
    middle = {"x": place["x"] + place["width"] / 2, "y": place["y"] + place["height"] / 2}
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        browser.execute_cdp_cmd("Input.dispatchDragEvent", {"type": kind, "data": data, **middle})


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dropped")
    paths = {role: folder / f"{role}.nii" for role in ("earlier", "later")}
    for seed, path in enumerate(paths.values(), start=1):
        path.write_bytes(nifti(head(seed)))
    return paths


def test_a_folder_and_a_file_dropped_give_an_answer_the_page_and_the_viewer(browser, address, files, tmp_path):
    from selenium.webdriver.common.by import By

    for number, content in enumerate(planted_slices(head(1), 8.0)):
        (tmp_path / f"IM-{number}").write_bytes(content)
    (tmp_path / "notes.txt").write_text("no slice")
    browser.get(address)
    for role, path in (files | {"earlier": tmp_path}).items():
        drop(browser, path, browser.find_element(By.ID, f"drop-{role}"))
    said = asked(browser)
    assert re.match(r"(improved|stable|deteriorated): ", said.text)
    assert "refused" not in said.get_attribute("class")
    assert browser.find_element(By.ID, "viewer").get_attribute("data-volumes") == "2"
    browser.switch_to.frame("page")
    assert browser.find_element(By.TAG_NAME, "h1").text in ("Improved", "Stable", "Deteriorated")
    browser.switch_to.default_content()
    for element in ("h1", "#viewer", "#page"):  # where nothing is expected
        drop(browser, tmp_path / "notes.txt", browser.find_element(By.CSS_SELECTOR, element))
    time.sleep(1)  # Chromium would open it in another tab
    assert browser.current_url == address and len(browser.window_handles) == 1
    wrong = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not [message for message in wrong if "favicon" not in message]


def test_nonsense_gives_a_sentence(browser, address, files, tmp_path):
    (tmp_path / "nonsense.nii").write_bytes(b"hello")
    said = chosen(browser, address, files | {"later": tmp_path / "nonsense.nii"})
    assert said.text == "the later scan cannot be used: not a NIfTI file"
    assert said.get_attribute("class") == "refused"


def test_no_request_leaves_the_machine(browser, address, files):
    import json

    browser.get_log("performance")
    chosen(browser, address, files)
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
