"""Opens pages in headless Chromium and asks axe-core what a keyboard or screen-reader user would stumble over.

    check.py --axe axe.min.js PAGE.html ...

Each page is opened from a file, at desktop and at phone width, light and dark. A violation of WCAG 2.1 A or AA, an
error on the console or an address outside the page fails. axe-core comes from npm (`npm pack axe-core`).
"""

import argparse
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WIDTHS = (1280, 390)
SCHEMES = {"light": "1", "dark": "0"}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
# What axe found is written into the page, because that is what Chromium prints.
RUN = """
window.addEventListener('load', () => axe.run(document, { runOnly: %s }).then(found => {
  const out = document.createElement('pre');
  out.id = 'axe-found';
  out.textContent = JSON.stringify(found.violations.map(one => ({ id: one.id, help: one.help,
    nodes: one.nodes.slice(0, 3).map(node => node.target.join(' ') + ': ' + node.failureSummary) })));
  document.body.appendChild(out);
}));
"""


def prepared(page, axe):
    """The page with axe in it; its own policy against scripts, which would stop axe as well, is taken out."""
    text = page.read_text()
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    script = f"<script>{axe.read_text()}</script><script>{RUN % json.dumps(RULES)}</script>"
    return text.replace("</head>", f"{script}</head>", 1)


def outside(page):
    """Addresses that a browser would fetch."""
    found = re.findall(r'(?:src|href)="(?!#|data:)([^"]+)"|url\((?!#|data:)([^)]+)\)', page.read_text())
    return [one or other for one, other in found if re.match(r"(https?:)?//", one or other)]


def opened(chromium, file, width, scheme, folder):
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--virtual-time-budget=20000", "--enable-logging=stderr",
        f"--user-data-dir={folder}/profile", f"--window-size={width},1000",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--dump-dom", file.as_uri(),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def complaints(chromium, page, axe, width, scheme):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "page.html"
        file.write_text(prepared(page, axe))
        ended = opened(chromium, file, width, scheme, folder)
    console = [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
    found = re.search(r'<pre id="axe-found">(.*?)</pre>', ended.stdout, re.DOTALL)
    if found is None:
        return ["axe did not finish"] + console
    violations = json.loads(html.unescape(found.group(1)))
    return [f"{one['id']}: {one['help']}: {'; '.join(one['nodes'])}" for one in violations] + console


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--axe", type=pathlib.Path, required=True)
    parser.add_argument("pages", type=pathlib.Path, nargs="+")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("skipped: pages in a browser: chromium is not installed")
        return 0
    failed = False
    for page in arguments.pages:
        found = [f"address outside the page: {one}" for one in outside(page)]
        for width in WIDTHS:
            for scheme in SCHEMES:
                found += [f"{width} {scheme}: {one}" for one in complaints(chromium, page, arguments.axe, width, scheme)]
        print(f"{page.name}: {'ok' if not found else f'{len(found)} complaints'}")
        print("".join(f"  {one}\n" for one in found), end="")
        failed = failed or bool(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
