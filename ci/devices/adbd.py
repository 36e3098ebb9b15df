"""A phone for tests: speaks adb's wire protocol over TCP to the genuine client, without Android.

`adbd.py --root FOLDER --port PORT` listens on loopback. FOLDER stands for the phone's file system: paths under /data
lead there. Commands run in this machine's shell, with FOLDER/bin in front of PATH; a command whose program is an ARM
executable runs in QEMU's user emulation with the CPU model that --cpu names, as the kernel of a phone would run it.

`--auth never` behaves as a phone whose owner does not answer the question whether to allow this computer, `--auth ask`
as one whose owner does.

The protocol is described in AOSP, packages/modules/adb: protocol.txt, SYNC.TXT, shell_protocol.h, file_sync_protocol.h.
"""

import argparse
import os
import pathlib
import queue
import shlex
import signal
import socket
import stat
import struct
import subprocess
import threading

VERSION = 0x01000001  # no checksums
MAX_DATA = 256 * 1024
A_CNXN, A_AUTH, A_OPEN, A_OKAY, A_CLSE, A_WRTE = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
AUTH_TOKEN, AUTH_SIGNATURE, AUTH_PUBLIC_KEY = 1, 2, 3
STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
EMULATORS = {0xB7: "qemu-aarch64", 0x28: "qemu-arm"}


class Phone:
    """What lies behind the protocol: a folder, and commands."""

    def __init__(self, root, cpu):
        self.root = pathlib.Path(root).resolve()
        self.cpu = cpu

    def path(self, text):
        return pathlib.Path(self.within(text))

    def within(self, text):
        return text.replace("/data/local/tmp", str(self.root / "data/local/tmp"))

    def start(self, command, **streams):
        environment = {"PATH": f"{self.root}/bin:/usr/bin:/bin", "HOME": "/", "ANDROID_ROOT": "/system"}
        return subprocess.Popen(
            self.words(self.within(command)), env=environment, cwd=self.root, start_new_session=True, **streams
        )

    def words(self, command):
        """Through the shell, unless the command is one program that this processor cannot run."""
        try:
            words = shlex.split(command)
        except ValueError:
            words = []
        emulator = EMULATORS.get(machine(words[0])) if words else None
        if emulator is None:
            return ["/bin/sh", "-c", command]
        return [emulator, "-cpu", self.cpu, *words]


def machine(path):
    """The processor that an ELF file is for, by the specification's number."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError:
        return None
    return int.from_bytes(head[18:20], "little") if head[:4] == b"\x7fELF" and len(head) == 20 else None


class Stream:
    """One service that the client opened: bytes both ways, one message on its way in each direction."""

    def __init__(self, connection, number, peer):
        self.connection, self.number, self.peer = connection, number, peer
        self.incoming = queue.Queue()
        self.taken = threading.Semaphore(0)
        self.closed = False
        self.rest = b""

    def write(self, data):
        for start in range(0, len(data), MAX_DATA):
            if self.closed:
                raise BrokenPipeError
            self.connection.send(A_WRTE, self.number, self.peer, data[start : start + MAX_DATA])
            self.taken.acquire()

    def chunk(self):
        """What the client sent next; nothing when it closed the stream."""
        data = self.incoming.get()
        if data:
            self.connection.send(A_OKAY, self.number, self.peer)
        return data

    def read(self, count):
        while len(self.rest) < count:
            more = self.chunk()
            if not more:
                raise EOFError
            self.rest += more
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    def end(self):
        """By the client: wakes whoever waits."""
        self.closed = True
        self.incoming.put(b"")
        self.taken.release()

    def close(self):
        if not self.closed:
            self.closed = True
            self.connection.send(A_CLSE, self.number, self.peer)


class Connection:
    """One client: messages, and the streams they belong to."""

    def __init__(self, sock, phone, auth):
        self.sock, self.phone, self.auth = sock, phone, auth
        self.sending = threading.Lock()
        self.streams = {}
        self.next_number = 1

    def send(self, command, first, second, data=b""):
        head = struct.pack("<6I", command, first, second, len(data), 0, command ^ 0xFFFFFFFF)
        with self.sending:
            self.sock.sendall(head + data)

    def receive(self):
        command, first, second, length, _, _ = struct.unpack("<6I", self.exactly(24))
        return command, first, second, self.exactly(length)

    def exactly(self, count):
        data = bytearray()
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return bytes(data)

    def serve(self):
        try:
            while True:
                self.dispatch(*self.receive())
        except (EOFError, OSError):
            pass
        finally:
            for stream in list(self.streams.values()):
                stream.end()
            self.sock.close()

    def dispatch(self, command, first, second, data):
        if command == A_CNXN:
            self.greet()
        elif command == A_AUTH:
            self.answer(first)
        elif command == A_OPEN:
            self.open(first, data.rstrip(b"\0").decode())
        elif second in self.streams:
            self.pass_on(command, self.streams[second], data)

    def greet(self):
        if self.auth == "none":
            self.welcome()
        else:
            self.send(A_AUTH, AUTH_TOKEN, 0, os.urandom(20))

    def answer(self, kind):
        """A signature is of a key that is not known yet; a public key is accepted as by a person who taps Allow."""
        if kind == AUTH_SIGNATURE:
            self.send(A_AUTH, AUTH_TOKEN, 0, os.urandom(20))
        elif kind == AUTH_PUBLIC_KEY and self.auth == "ask":
            self.welcome()

    def welcome(self):
        banner = (
            b"device::ro.product.name=stand_in;ro.product.model=Stand-in;ro.product.device=stand_in;"
            b"features=shell_v2,cmd,stat_v2"
        )
        self.send(A_CNXN, VERSION, MAX_DATA, banner)

    def open(self, peer, service):
        number, self.next_number = self.next_number, self.next_number + 1
        stream = Stream(self, number, peer)
        run = self.service(service)
        if run is None:
            self.send(A_CLSE, 0, peer)
            return
        self.streams[number] = stream
        self.send(A_OKAY, number, peer)
        threading.Thread(target=self.run, args=(run, stream), daemon=True).start()

    def service(self, text):
        name, _, rest = text.partition(":")
        if name.split(",")[0] == "shell" and "v2" in name:
            return lambda stream: shell(self.phone, stream, rest)
        if name in ("shell", "exec"):
            return lambda stream: plain(self.phone, stream, rest)
        if name == "sync":
            return lambda stream: sync(self.phone, stream)
        return None

    def run(self, service, stream):
        try:
            service(stream)
        except (EOFError, OSError):
            pass
        stream.close()
        self.streams.pop(stream.number, None)

    def pass_on(self, command, stream, data):
        if command == A_WRTE:
            stream.incoming.put(data)
        elif command == A_OKAY:
            stream.taken.release()
        elif command == A_CLSE:
            stream.end()


def hang_up(process):
    """What a phone does to the processes of a client that is gone."""
    try:
        os.killpg(process.pid, signal.SIGHUP)
    except ProcessLookupError:
        pass


def shell(phone, stream, command):
    """Shell protocol 2: packets of kind, length and bytes; the exit code is one of them."""
    pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process = phone.start(command, bufsize=0, **pipes)
    sending = threading.Lock()

    def packet(kind, data):
        with sending:
            stream.write(struct.pack("<BI", kind, len(data)) + data)

    def pump(kind, source):
        try:
            while data := source.read(32 * 1024):
                packet(kind, data)
        except OSError:
            hang_up(process)

    def feed():
        try:
            while True:
                kind, length = struct.unpack("<BI", stream.read(5))
                data = stream.read(length)
                if kind == STDIN:
                    process.stdin.write(data)
                elif kind == CLOSE_STDIN:
                    process.stdin.close()
        except (EOFError, OSError, ValueError):
            if stream.closed:
                hang_up(process)

    threading.Thread(target=feed, daemon=True).start()
    pumps = [
        threading.Thread(target=pump, args=(kind, source), daemon=True)
        for kind, source in ((STDOUT, process.stdout), (STDERR, process.stderr))
    ]
    for thread in pumps:
        thread.start()
    code = process.wait()
    for thread in pumps:
        thread.join()
    packet(EXIT, bytes([code if 0 <= code < 256 else 128 - code]))


def plain(phone, stream, command):
    """`exec:` and the old `shell:`: bytes of both outputs, no exit code."""
    process = phone.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
    try:
        while data := process.stdout.read(32 * 1024):
            stream.write(data)
    finally:
        hang_up(process)
        process.wait()


def sync(phone, stream):
    """Files, there and back."""
    while True:
        kind, length = struct.unpack("<4sI", stream.read(8))
        path = phone.path(stream.read(length).decode()) if kind != b"SEND" else None
        if kind == b"QUIT":
            return
        if kind == b"SEND":
            keep(phone, stream, stream.read(length).decode())
        elif kind in (b"STAT", b"STA2", b"LST2"):
            stream.write(status(kind, path))
        elif kind == b"RECV":
            give(stream, path)
        else:
            fail(stream, f"unknown request {kind!r}")


def status(kind, path):
    try:
        found, error = os.lstat(path) if kind == b"LST2" else os.stat(path), 0
    except OSError as problem:
        found, error = None, problem.errno
    if kind == b"STAT":
        values = (found.st_mode, found.st_size, int(found.st_mtime)) if found else (0, 0, 0)
        return struct.pack("<4s3I", kind, *values)
    fields = ("dev", "ino", "mode", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime")
    values = [int(getattr(found, f"st_{field}")) if found else 0 for field in fields]
    return struct.pack("<4sIQQIIIIQqqq", kind, error, *values)


def keep(phone, stream, target):
    name, _, mode = target.rpartition(",")
    path = phone.path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            while True:
                kind, length = struct.unpack("<4sI", stream.read(8))
                if kind == b"DONE":
                    break
                file.write(stream.read(length))
        os.chmod(path, stat.S_IMODE(int(mode)))
    except OSError as problem:
        fail(stream, problem.strerror)
        return
    stream.write(struct.pack("<4sI", b"OKAY", 0))


def give(stream, path):
    try:
        data = path.read_bytes()
    except OSError as problem:
        fail(stream, problem.strerror)
        return
    for start in range(0, len(data), 64 * 1024):
        piece = data[start : start + 64 * 1024]
        stream.write(struct.pack("<4sI", b"DATA", len(piece)) + piece)
    stream.write(struct.pack("<4sI", b"DONE", 0))


def fail(stream, reason):
    data = reason.encode()
    stream.write(struct.pack("<4sI", b"FAIL", len(data)) + data)


def furnish(root):
    """What a phone has that this machine lacks."""
    programs = {
        "getprop": 'case "$1" in ro.product.manufacturer) echo Nobody;; ro.product.model) echo Stand-in;; '
        "ro.build.version.release) echo 16;; ro.build.version.sdk) echo 36;; ro.soc.model) echo none;; "
        "ro.build.fingerprint) echo nobody/stand_in/stand_in:16/TEST/1:user/test-keys;; *) echo;; esac",
        "dumpsys": 'case "$1" in battery) printf "Current Battery Service state:\\n  AC powered: false\\n'
        '  USB powered: true\\n  status: 2\\n  level: 81\\n  temperature: 293\\n";; '
        'thermalservice) printf "IsStatusOverride: false\\nThermal Status: 0\\n";; '
        'power) printf "  mWakefulness=Asleep\\n";; esac',
    }
    (root / "bin").mkdir(parents=True, exist_ok=True)
    (root / "data/local/tmp").mkdir(parents=True, exist_ok=True)
    for name, text in programs.items():
        path = root / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)


def main():
    parser = argparse.ArgumentParser(description="A phone for tests, on loopback.")
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--cpu", default="cortex-a76", help="CPU model that ARM programs run on")
    parser.add_argument("--auth", choices=("none", "ask", "never"), default="none")
    arguments = parser.parse_args()
    furnish(arguments.root)
    phone = Phone(arguments.root, arguments.cpu)
    with socket.create_server(("127.0.0.1", arguments.port)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            sock, _ = server.accept()
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(sock, phone, arguments.auth)
            threading.Thread(target=connection.serve, daemon=True).start()


if __name__ == "__main__":
    main()
