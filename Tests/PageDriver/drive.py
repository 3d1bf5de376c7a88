"""Drives the page of a real `carryon dev` in a real browser. Usage: drive.py CARRYON [SCREENSHOTS]

Exit status 0 if the page did all that it should; otherwise the output says what it did not.
"""
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from playwright.sync_api import sync_playwright

COUNT = " ".join(str(number) for number in range(1, 121))
AGENT = """
tools:
  - name: book
    description: Books a room.
    input: {type: object, properties: {nights: {type: integer}}}
    approval: always
    http:
      url: http://127.0.0.1:%d/book
"""


class Booking(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"booked": True, "room": "under the roof"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def until(what, condition, seconds=45):
    """Waits until a condition holds; what is tried again is only looked at."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"expected within {seconds} s: {what}")


class Chat:
    """A tab, and what its console complained of."""

    def __init__(self, browser, url, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.complaints = []
        self.page.on("console", self.listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)

    def listen(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def answer(self):
        """The last answer's text, without what the page says about it."""
        return self.page.evaluate(
            """() => {
                const answers = document.querySelectorAll('.answer');
                const last = answers[answers.length - 1]?.cloneNode(true);
                last?.querySelectorAll('.mark, details, .ending').forEach(node => node.remove());
                return (last?.textContent ?? '').replace(/\\s+/g, ' ').trim();
            }"""
        )

    def marks(self):
        return self.page.locator(".mark").all_inner_texts()

    def send(self, text):
        self.page.get_by_label("Message", exact=True).fill(text)
        self.page.keyboard.press("Enter")

    def wait_for(self, word):
        until(f"the word {word} in the answer: {self.answer()}", lambda: re.search(rf"\b{word}\b", self.answer()))

    def wait_for_end(self):
        until(
            f"the end of the answer; it stands at: {self.answer()}",
            lambda: self.page.locator("[name=regenerate]").count() == 1,
        )


def count_survives_a_kill(chat, picture):
    page = chat.page
    page.get_by_role("button", name="A long answer").click()
    chat.wait_for("12")
    page.get_by_role("button", name="Kill the worker").click()
    until("word of the kill", lambda: "was killed" in page.locator("#what").inner_text())
    until("a word that another worker took over", chat.marks)
    seen = chat.answer()
    assert "1 2 3 4 5 6 7 8 9 10 11 12" in seen, seen
    until("words after the takeover", lambda: len(chat.answer()) > len(seen) + 20)
    picture("chat")
    page.reload()
    chat.wait_for("60")
    assert page.locator(".live").count() == 1, "the answer is over before the reload was"
    page.get_by_role("button", name="Kill a turn host").click()
    chat.wait_for_end()
    answer = chat.answer()
    assert answer.endswith(COUNT), f"not word for word: {answer}"
    assert answer.count("Here are") == 1, answer
    for what in ("worker", "turn host"):
        mark = rf"{what} died · continued after [\d.]+ s"
        assert any(re.fullmatch(mark, found) for found in chat.marks()), chat.marks()
    assert len(chat.marks()) == 2, chat.marks()
    page.reload()
    until("the stored answer", lambda: chat.answer().endswith(COUNT))


def markup_is_text(chat):
    chat.send("<img src=x onerror=document.title='broken'>")
    chat.wait_for("onerror")
    chat.wait_for_end()
    assert chat.page.locator("#messages img").count() == 0
    assert "broken" not in chat.page.title()


def tool_is_approved(chat, decision, outcome):
    chat.page.get_by_role("button", name="New chat").click()
    chat.send('#script\nsay I shall book it.\ntool book {"nights": 2}\nsay That was all.')
    chat.page.get_by_role("button", name=decision).click(timeout=20_000)
    until(f"the call's outcome {outcome}", lambda: outcome in chat.page.locator(".tool").inner_text())
    chat.wait_for_end()
    assert chat.page.locator(".tool").count() == 1
    assert "That was all." in chat.answer(), chat.answer()


def stop_and_regenerate(chat):
    chat.page.get_by_role("button", name="New chat").click()
    chat.send("#script\ntokens 400 50ms")
    chat.wait_for("5")
    chat.page.get_by_role("button", name="Stop").click()
    chat.wait_for_end()
    assert chat.page.get_by_text("stopped", exact=True).count() == 1
    assert not chat.answer().endswith("400")
    chat.page.get_by_role("button", name="Regenerate").click()
    until("a new answer", lambda: chat.page.locator(".live").count() == 1)
    chat.page.get_by_role("button", name="Stop").click()
    chat.wait_for_end()
    assert chat.page.locator(".answer").count() == 1


def failure_is_told(chat):
    chat.page.get_by_role("button", name="New chat").click()
    chat.send("#script\nsay This begins well, and then\nfail invalid_request")
    chat.wait_for_end()
    for _ in range(2):
        until("a mark of the failure", lambda: chat.page.locator(".ending .badge", has_text="failed").count() == 1)
        chat.page.reload()
        chat.wait_for("well")


def operator_sees(chat, picture):
    page = chat.page
    page.get_by_role("link", name="Operations").click()
    until("a ready worker", lambda: "ready" in page.locator("#workers").inner_text())
    text = page.locator("#runs").inner_text()
    assert "interrupted" in text and "completed" in text, text
    assert page.locator("#partitions tbody tr").count() == 6
    assert page.locator("#sessions tbody tr").count() >= 3
    assert "Nothing was set aside" in page.locator("#letters").inner_text()
    picture("operations")


def event(seq, name, value):
    return f"id: {seq}\nevent: {name}\ndata: {json.dumps(value)}\n\n"


def word(seq, text):
    return event(seq, "chunk", {"type": "text-delta", "id": "t", "delta": text})


def told_by_a_gateway(browser, url):
    """What a live service can't be made to say at will: a refusal, a stream cut off, what is taken back, what is lost."""
    first = (
        event(1, "turn-start", {"turn": 0, "run": 1, "messageId": "a"})
        + event(2, "chunk", {"type": "start", "messageId": "a"})
        + event(3, "chunk", {"type": "text-start", "id": "t"})
        + word(4, "kept ") + word(5, "taken back")
    )
    second = (
        event(6, "turn-start", {"turn": 0, "run": 2, "messageId": "a"})
        + event(5, "superseded", {"fromSeq": 5}) + word(6, "and said anew")
    )
    messages = [
        {"id": f"m{number}", "role": role, "parts": [{"type": "text", "text": text}]}
        for number, (role, text) in enumerate([("user", "An old question"), ("assistant", "An old answer")])
    ]
    third = event(9, "transcript", {"fromSeq": 7, "toSeq": 9, "reason": "old", "messages": messages})
    streams = [first, second, third]
    asked = []

    def gateway(route):
        path, _, query = route.request.url.partition("?")
        if route.request.headers.get("authorization") != "Bearer the-key":
            error = {"code": "missing_token", "message": "A token is needed."}
            route.fulfill(status=401, json={"error": error})
        elif path.endswith("/events"):
            if not streams:
                # Never answered: nothing more is said.
                return
            asked.append(query)
            route.fulfill(headers={"Content-Type": "text/event-stream"}, body=streams.pop(0))
        elif path.endswith("/canned"):
            route.fulfill(json={"id": "canned", "messages": [], "nextSeq": 1, "running": False})
        else:
            route.fulfill(json={})

    tab = Chat(browser, "about:blank")
    page = tab.page
    page.route("**/v1/**", gateway)
    page.goto(f"{url}#/s/canned")
    problem = page.locator("#problem")
    until("what to do about the refusal", lambda: "A token is needed. Put one under Settings." in problem.inner_text())
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Token").fill("the-key")
    page.keyboard.press("Enter")
    until("the answer as it was said anew", lambda: "kept and said anew" in tab.answer())
    assert "taken back" not in tab.answer(), tab.answer()
    until("what the store has kept", lambda: "An old answer" in tab.answer())
    assert page.get_by_text("An old question").count() == 1
    assert asked == ["after=0", "after=5", "after=6"], asked
    tab.context.close()


def phone_in_the_dark(browser, url, picture):
    phone = Chat(
        browser, url, viewport={"width": 390, "height": 780}, color_scheme="dark", device_scale_factor=2,
        is_mobile=True, has_touch=True,
    )
    phone.page.get_by_role("button", name="A long answer").tap()
    phone.wait_for("25")
    phone.page.get_by_role("button", name="Kill a turn host").tap()
    until("a word of the takeover", phone.marks)
    phone.wait_for("50")
    picture("phone", phone)
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the phone has to scroll sideways"
    assert phone.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 26)"
    assert phone.complaints == [], phone.complaints


def main():
    carryon = os.path.abspath(sys.argv[1])
    pictures = sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="carryon-page-")
    os.makedirs(pictures, exist_ok=True)
    directory = tempfile.mkdtemp(prefix="carryon-dev-")
    booking = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Booking)
    threading.Thread(target=booking.serve_forever, daemon=True).start()
    with open(os.path.join(directory, "agent.yaml"), "w") as file:
        file.write(AGENT % booking.server_address[1])
    log = open(os.path.join(directory, "log"), "w+")
    flags = ["--gateway-address", "127.0.0.1:0", "--agent", "agent.yaml"]
    # What is set for the tests is no setting of the service.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARRYON_")}
    process = subprocess.Popen(
        [carryon, "dev", *flags], cwd=directory, env=environment, stdout=log, stderr=subprocess.STDOUT
    )

    def address():
        assert process.poll() is None, open(log.name).read()
        return re.search(r"http://[\d.:]+/", open(log.name).read())

    try:
        url = until("the page's address", address).group()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            chat = Chat(browser, url, viewport={"width": 1100, "height": 720}, color_scheme="light")

            def picture(name, tab=chat):
                tab.page.screenshot(path=os.path.join(pictures, f"{name}.png"))

            until("the page", lambda: chat.page.locator("#examples button").count() > 0)
            picture("welcome")
            count_survives_a_kill(chat, picture)
            markup_is_text(chat)
            tool_is_approved(chat, "Approve", "under the roof")
            picture("tool")
            tool_is_approved(chat, "Deny", "denied")
            stop_and_regenerate(chat)
            failure_is_told(chat)
            operator_sees(chat, picture)
            told_by_a_gateway(browser, url)
            phone_in_the_dark(browser, url, picture)
            assert chat.complaints == [], chat.complaints
            browser.close()
    except BaseException:
        print(open(log.name).read()[-4000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
    print(f"The page did all that it should; pictures are in {pictures}.")


main()
