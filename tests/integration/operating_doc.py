"""docs/operating.md, followed to the letter: every block of commands runs, in order, in one shell, as a newcomer would run
them, with nginx in front of the relay.

The document's own variables say where things are, and are set here to free ports and a scratch folder. What only a whole
machine has is stood in for by programs of the same names, first on the PATH: sudo, apt-get, make (the programs are built
already), certbot (a certificate by an authority of the test's own) and systemctl, which starts, reloads and stops what the
unit file says. nginx, curl, openssl, install, the relay and parley are the real ones."""

import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import textwrap
import unittest

import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/operating.md"

STAND_INS = {
    "sudo": '#!/bin/sh\nexec "$@"\n',
    "apt-get": "#!/bin/sh\nexit 0\n",
    "make": """#!/bin/sh
        set -e
        [ "$*" = release ]
        mkdir -p build/release/relay build/release/peer
        cp "$PARLEY_RELAY_PROGRAM_BUILT" build/release/relay/parley-relay
        cp "$PARLEY_PROGRAM_BUILT" build/release/peer/parley
        """,
    "certbot": """#!/bin/sh
        set -e
        for HOST; do :; done
        mkdir -p "$CERTIFICATES/$HOST"
        cd "$CERTIFICATES/$HOST"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$HOST" \\
            -addext "subjectAltName=DNS:$HOST" -keyout privkey.pem -out fullchain.pem 2>/dev/null
        cp fullchain.pem "$SSL_CERT_FILE"
        """,
    "nginx": """#!/bin/sh
        exec "$REAL_NGINX" -e "$STATE/nginx-error.log" -c "$STATE/nginx.conf" "$@"
        """,
    "systemctl": """#!/usr/bin/env python3
        import json, os, pathlib, shlex, signal, socket, subprocess, sys
        state = pathlib.Path(os.environ["STATE"])
        words = [w for w in sys.argv[1:] if not w.startswith("-")]
        verb, units = words[0], words[1:]

        def settings():
            text = (pathlib.Path(os.environ["UNITS"]) / "parley-relay.service").read_text()
            return [line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")]

        def command(line):
            line = line.replace("${CONFIGURATION_DIRECTORY}", os.environ["CONFIG"])
            return shlex.split(line.replace("/usr/local/bin/", os.environ["BIN"] + "/"))

        def start():
            for key, value in settings():
                if key == "ExecStartPre":
                    subprocess.run(command(value), check=True)
            heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            path = state / "notify"
            path.unlink(missing_ok=True)
            heard.bind(str(path))
            heard.settimeout(300)
            (line,) = [value for key, value in settings() if key == "ExecStart"]
            log = open(state / "journal", "ab")
            child = subprocess.Popen(command(line), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True, env={**os.environ, "NOTIFY_SOCKET": str(path)})
            (state / "pid").write_text(str(child.pid))
            assert ["Type", "notify"] in settings()
            while b"READY=1" not in heard.recv(4096).split(b"\\n"):
                pass

        def stop():
            pid = int((state / "pid").read_text())
            ended = os.pidfd_open(pid)
            os.kill(pid, signal.SIGTERM)
            import select
            assert select.select([ended], [], [], 60)[0]

        if verb == "daemon-reload":
            pass
        elif (verb, units) == ("reload", ["nginx"]):
            at = state / "nginx.pid"  # nginx -t leaves an empty one
            running = at.exists() and at.read_text().strip()
            subprocess.run(["nginx", *(["-s", "reload"] if running else [])], check=True)
        elif units == ["parley-relay"]:
            if verb == "enable":
                assert "--now" in sys.argv
                start()
            elif verb == "reload":
                (line,) = [value for key, value in settings() if key == "ExecReload"]
                subprocess.run(shlex.split(line.replace("$MAINPID", (state / "pid").read_text())), check=True)
            elif verb == "restart":
                stop()
                start()
            else:
                sys.exit(f"systemctl {verb}?")
        else:
            sys.exit(f"systemctl {sys.argv[1:]}?")
        """,
}

NGINX = """
pid {state}/nginx.pid;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {state}/body; proxy_temp_path {state}/proxy; fastcgi_temp_path {state}/f;
    uwsgi_temp_path {state}/u; scgi_temp_path {state}/s;
    include {sites}/*;
}}
"""


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class OperatingDocument(unittest.TestCase):
    def test_every_block_is_for_this_test(self):
        text = DOCUMENT.read_text()
        self.assertEqual(text.count("```"), 2 * len(blocks(text)), "a block that is no `sh` is run by nobody")
        self.assertGreater(len(blocks(text)), 8)

    def test_the_table_of_settings_is_the_programs(self):
        table = subprocess.run([harness.RELAY, "--print-settings"], capture_output=True, check=True, text=True).stdout
        self.assertIn(table.strip(), DOCUMENT.read_text())

    def test_every_refusal_is_explained(self):
        names = re.findall(r'"([a-z_]+)"', (ROOT / "framework/src/relay/reject_reason.cpp").read_text())
        text = DOCUMENT.read_text()
        for name in names:
            if name != "unknown":
                self.assertIn(f"`{name}`", text)

    def test_its_commands(self):
        with harness.World(relay=False) as world:
            state, tools, source = world.folder("state"), world.folder("tools"), world.folder("source")
            for name, text in STAND_INS.items():
                tool = tools / name
                head, _, rest = text.partition("\n")
                tool.write_text(head + "\n" + textwrap.dedent(rest))
                tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
            shutil.copytree(ROOT / "deploy", source / "deploy")
            folders = {name: world.folder(name.lower()) for name in ("BIN", "UNITS", "SITES", "CERTIFICATES")}
            (state / "nginx.conf").write_text(NGINX.format(state=state, sites=folders["SITES"]))
            environment = harness.clean_environment({
                **folders, "CONFIG": world.root / "etc/parley-relay", "HOST": "localhost",
                "PORT": harness.free_port(), "RELAY_PORT": harness.free_port(), "HTTP_PORT": harness.free_port(),
                "STATE": state, "SSL_CERT_FILE": state / "authority.pem",
                "PARLEY_RELAY_PROGRAM_BUILT": os.path.abspath(shutil.which(harness.RELAY)),
                "PARLEY_PROGRAM_BUILT": os.path.abspath(shutil.which(harness.PARLEY)),
                "REAL_NGINX": shutil.which("nginx") or "/usr/sbin/nginx",
                "PATH": f"{tools}:{os.environ['PATH']}"})
            script = "set -eu\n"
            for number, block in enumerate(blocks(DOCUMENT.read_text()), 1):
                script += f"echo '== block {number}' >&2\n{block}\n"
            try:
                done = subprocess.run(["bash", "-c", script], cwd=source, env=environment, capture_output=True, text=True,
                                      timeout=4 * harness.LIMIT, check=False, stdin=subprocess.DEVNULL)
                journal = (state / "journal").read_text() if (state / "journal").exists() else ""
                self.assertEqual(done.returncode, 0, f"{done.stdout}\n{done.stderr}\n{journal}")
                self.assertIn("the configuration is in order", done.stdout)
                self.assertEqual(done.stdout.count("ready\n"), 2, done.stdout)
                self.assertIn("parley_relay_rooms_total", done.stdout)
                self.assertIn("event=reloaded changed=log-addresses", journal)
                self.assertIn("event=stopped", journal)
            finally:
                for name in ("pid", "nginx.pid"):
                    with_pid = state / name
                    if with_pid.exists() and with_pid.read_text().strip():
                        pid = int(with_pid.read_text())
                        ended = os.pidfd_open(pid)
                        signal.pidfd_send_signal(ended, signal.SIGTERM)
                        os.close(ended)


if __name__ == "__main__":
    unittest.main()
