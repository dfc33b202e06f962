"""Questions to whoever deploys: on a terminal, or from lines that a script sends."""

import getpass
import sys


class NobodyAnswersError(Exception):
    """There is nobody to ask: the input has ended."""


def ask(question: str, default: str = "") -> str:
    """Ask a question; Enter, or nobody there, takes the default."""
    try:
        return _line(f"{question} [{default}]: " if default else f"{question}: ") or default
    except NobodyAnswersError:
        return default


def ask_hidden(question: str) -> str:
    """
    Ask for something that must not show on the screen.

    Raises:
        NobodyAnswersError: The input has ended.
    """
    if not sys.stdin.isatty():
        return _line(f"{question}: ")
    try:
        return getpass.getpass(f"{question}: ").strip()
    except EOFError:
        raise NobodyAnswersError from None


def _line(prompt: str) -> str:
    print(prompt, end="", flush=True)
    line = sys.stdin.readline()
    if not sys.stdin.isatty():
        # Nobody has pressed Enter, which would have ended the line.
        print(flush=True)
    if not line:
        raise NobodyAnswersError
    return line.strip()
