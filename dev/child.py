"""
Runs a module as this process, and ends the process when its parent is gone.

Started as `python child.py <module> <arguments>` with a pipe as standard input: when the parent
dies, however it dies, the system closes the pipe. Linux' parent-death signal would follow the
*thread* that started us, and other systems have none.
"""

import os
import runpy
import signal
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    # We lead a process group of our own, so this takes in whatever we have started.
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if "AWS_ENDPOINT_URL_S3" in os.environ:
        # By path: a function sees nothing of this folder.
        runpy.run_path(f"{sys.path[0]}/s3_links.py")["install"]()
    sys.argv = sys.argv[1:]
    sys.path[0] = str(os.getcwd())  # noqa: PTH109 - keeps pathlib out of each function's start
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
