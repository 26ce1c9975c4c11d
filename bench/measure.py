"""Running one arm of a measurement: its processes, and what they and the server took."""
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """An arm did not do its work."""


def stat_fields(pid):
    """The fields of /proc/PID/stat after the name, or None when the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2:].split()


def family(pid):
    """A process and all that come from it."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(entry)
            if fields:
                parents.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += parents.get(one, [])
    return found


def server_cpu(postmaster):
    """Seconds a server has used: of the sessions that live, and of those that it has seen end."""
    total = 0
    for pid in family(postmaster):
        fields = stat_fields(pid)
        if fields:
            total += int(fields[11]) + int(fields[12])
            if pid == postmaster:
                total += int(fields[13]) + int(fields[14])
    return total / TICK


def memory(pid, field):
    """VmRSS: bytes of memory a process holds now, shared pages counted too; VmHWM: the most that it
    ever held. 0 when it is gone."""
    try:
        for line in open(f"/proc/{pid}/status", encoding="ascii", errors="replace"):
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass
    return 0


class Watch(threading.Thread):
    """Keeps the most memory that the processes, and all that come from them, held together. Of a
    single process the kernel's own high-water mark is read: rusage would count what its parent
    held before the exec."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.peak, self.over = pids, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.01):
            alive = [p for pid in self.pids for p in family(pid)]
            held = memory(alive[0], "VmHWM") if len(alive) == 1 else sum(
                memory(p, "VmRSS") for p in alive)
            self.peak = max(self.peak, held)


class Taken:
    """What one run took: wall seconds, the CPU seconds of both sides, bytes at the peak, and what it
    left behind: bytes of files."""

    def __init__(self, wall, client, server, peak, output):
        self.wall, self.client, self.server = wall, client, server
        self.peak, self.output, self.size = peak, output, 0


def launch(pipeline, env, sink, log):
    """Starts commands joined by pipes; the last one's output goes to `sink`."""
    processes, stdin = [], subprocess.DEVNULL
    for i, argv in enumerate(pipeline):
        last = i + 1 == len(pipeline)
        # A session of its own: some programs signal their whole process group when they fail.
        process = subprocess.Popen([str(a) for a in argv], stdin=stdin, env=env, stderr=log,
                                   stdout=sink if last else subprocess.PIPE,
                                   start_new_session=True)
        if stdin is not subprocess.DEVNULL:
            stdin.close()
        stdin = process.stdout
        processes.append(process)
    return processes


def end_groups(processes, over):
    """Ends what has taken too long, by the groups that launch() made."""
    over.set()
    for process in processes:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def reap(processes):
    """CPU seconds and exit codes, in order."""
    client, codes = 0, []
    for process in processes:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        codes.append(process.returncode)
        client += usage.ru_utime + usage.ru_stime
    return client, codes


def run(pipeline, env, postmaster=None, out=None, log=None, patience=None):
    """Runs commands joined by pipes. The last one's output goes to the file `out`, or is kept.
    After `patience` seconds they are ended."""
    before = server_cpu(postmaster) if postmaster else 0
    sink = open(out, "wb") if out else subprocess.PIPE
    over = threading.Event()
    began = time.perf_counter()
    processes = launch(pipeline, env, sink, log)
    watch = Watch([p.pid for p in processes])
    watch.start()
    timer = threading.Timer(patience or 86400, end_groups, (processes, over))
    timer.start()
    try:
        output = processes[-1].stdout.read() if not out else b""
        client, codes = reap(processes)
        wall = time.perf_counter() - began
    except BaseException:  # the bench itself is told to end
        end_groups(processes, over)
        raise
    finally:
        timer.cancel()
        watch.over.set()
        watch.join()
        if out:
            sink.close()
    if over.is_set():
        raise Failed(f"not done after {patience:.0f} s")
    if any(codes):
        if log:
            log.write(output[-20000:])
        failed = next(i for i, code in enumerate(codes) if code)
        raise Failed(f"{pathlib.Path(str(pipeline[failed][0])).name}: exit {codes[failed]}")
    server = server_cpu(postmaster) - before if postmaster else 0
    return Taken(wall, client, server, watch.peak, output.decode(errors="replace"))


NOISE = re.compile(r"\x1b\[[0-9;]*m|\w+://\S+|/\S*/|[│┌└├─┐┘┤╭╰╮╯|`*]+")
TELLING = re.compile(r"error|fatal|fail|exception|unsupported|cannot|could not|invalid|unable|panic",
                     re.IGNORECASE)


def last_error(text, longest=110):
    """The line by which a program says why it failed, without colours, places and frames."""
    lines = [" ".join(NOISE.sub(" ", line).split()) for line in text.splitlines()]
    lines = [line for line in lines if len(line) > 8]
    telling = [line for line in lines if TELLING.search(line)]
    line = (telling or lines or [""])[-1]
    return line if len(line) <= longest else line[:longest - 3].rstrip() + "..."
