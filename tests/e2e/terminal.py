"""A terminal of a given size, with a shell in it, whose screen can be read: tmux."""
import os
import pathlib
import re
import shutil
import subprocess
import time

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
WAIT_SECONDS = 30
PROMPT = "$ "


class Terminal:
    """A tmux server of its own with one window; commands are typed into a shell without settings."""

    def __init__(self, leat, columns=80, rows=24, env=None,
                 shell=("bash", "--norc", "--noprofile")):
        self.socket = str(leat.home / "tmux")
        folder = leat.home / "bin"
        folder.mkdir(exist_ok=True)
        link = folder / "leat"
        if not link.exists():
            link.symlink_to(leat.binary)
        variables = {**leat.env, "PS1": PROMPT, "LANG": "C.UTF-8", **(env or {})}
        variables["PATH"] = f"{folder}:{leat.env['PATH']}"
        self.variables = variables
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
                  "-c", leat.cwd, *shell)
        # The prompt of each: "$ " where PS1 says so, fish's own ends in "> ".
        self.wait_for(lambda screen: screen.rstrip("\n").endswith(("$", ">", "#")))

    def tmux(self, *arguments):
        # Sockets have short names: the folder is the server's working directory.
        done = subprocess.run(["tmux", "-u", "-S", self.socket, *map(str, arguments)], check=True,
                              env=self.variables, capture_output=True, text=True, timeout=30)
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def screen(self, *options):
        """Its lines; one that the terminal wrapped (as -J tells) is one."""
        text = self.tmux("capture-pane", "-p", "-J", *options)
        return "\n".join(line.rstrip() for line in text.rstrip("\n").split("\n")) + "\n"

    def wait_for(self, holds):
        until = time.monotonic() + WAIT_SECONDS
        while True:
            screen = self.screen()
            if holds(screen):
                return screen
            assert time.monotonic() < until, f"the screen still shows:\n{screen}"
            time.sleep(0.02)

    def type(self, text):
        self.tmux("send-keys", "-l", text)
        self.tmux("send-keys", "Enter")

    def run(self, *lines):
        """Types the lines on an empty screen and waits for the prompt after each; the screen."""
        self.tmux("send-keys", "-R", "C-l")
        self.wait_for(lambda screen: screen.strip() == "$")
        for count, line in enumerate(lines, 1):
            self.type(line)
            screen = self.wait_for(lambda screen, count=count: len(
                re.findall(r"^\$(?: .*)?$", screen, re.M)) > count
                and screen.rstrip("\n").endswith("\n$"))
        return screen

    def resize(self, columns, rows=24):
        """Waits until programs are told, which tmux does a little later."""
        self.tmux("resize-window", "-x", columns, "-y", rows)
        path = self.tmux("display-message", "-p", "#{pane_tty}").strip()
        until = time.monotonic() + WAIT_SECONDS
        tty = os.open(path, os.O_RDONLY | os.O_NOCTTY)
        try:
            while os.get_terminal_size(tty).columns != columns:
                assert time.monotonic() < until, "the terminal kept its size"
                time.sleep(0.02)
        finally:
            os.close(tty)


# What differs from run to run: masks keep what it is, and that it is there. A mask may be shorter or
# longer than what it stands for, so nothing that is aligned is masked.
MASKS = [
    (re.compile(r"\b\d+(\.\d+)? (us|ms|s|min|h)\b"), "TIME"),
    (re.compile(r"\b[\d,.]+ (rows?/s)"), r"RATE \1"),
]


def masked(screen):
    for pattern, mask in MASKS:
        screen = pattern.sub(mask, screen)
    return screen


def check_golden(name, screen):
    """The masked screen is as the golden file has it; LEAT_GOLDEN=write makes it so."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("LEAT_GOLDEN") == "write":
        path.write_text(masked(screen), encoding="utf-8")
    assert masked(screen) == path.read_text(encoding="utf-8")


def have(program):
    return shutil.which(program) is not None
