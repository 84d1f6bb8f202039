"""TensorFlow's start-up notes, as it writes them: straight to the file descriptor, from a process of its own."""

import subprocess
import sys

import pytest

NOTES = (
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    b"I0000 00:00:1795405315.593759   11988 port.cc:153] oneDNN custom operations are on.\n"
    b"W0000 00:00:1795405315.593759   11988 gpu_device.cc:2341] Cannot dlopen some GPU libraries.\n"
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
)
ERROR = b"E0000 00:00:1795405315.593759   11988 cuda_dnn.cc:8579] Unable to register cuDNN factory\n"


@pytest.fixture
def said(bare_variables):
    """What a program leaves on standard error that does something where notes are kept from it."""

    def said(work, **variables):
        program = f"import os, sys\nfrom cic_assets.cli.quiet import without_startup_notes\n{work}"
        variables = {**bare_variables, "TF_CPP_MIN_LOG_LEVEL": "", **variables}
        return subprocess.run([sys.executable, "-c", program], capture_output=True, env=variables).stderr

    return said


def test_notes_are_kept_and_all_else_is_passed_on_in_its_order(said):
    work = f"with without_startup_notes():\n    os.write(2, {NOTES + ERROR!r})\n    print('I see', file=sys.stderr)"
    assert (
        said(f"os.write(2, b'before\\n')\n{work}\nos.write(2, {NOTES!r})") == b"before\n" + ERROR + b"I see\n" + NOTES
    )


def test_an_error_keeps_its_traceback(said):
    lines = said("with without_startup_notes():\n    raise ImportError('libtensorflow.so: no such file')").splitlines()
    assert lines[0] == b"Traceback (most recent call last):"
    assert lines[-1] == b"ImportError: libtensorflow.so: no such file"


def test_the_last_words_of_a_process_that_aborts_are_heard(said):
    words = b"F0000 00:00:1795405315.593759   11988 cpu_feature_guard.cc:38] compiled to use AVX instructions\n"
    assert said(f"with without_startup_notes():\n    os.write(2, {NOTES + words!r})\n    os.abort()") == words


def test_who_asks_for_notes_sees_them(said):
    work = f"with without_startup_notes():\n    os.write(2, {NOTES!r})"
    assert said(work, TF_CPP_MIN_LOG_LEVEL="0") == NOTES
    assert said(work, TF_CPP_MIN_LOG_LEVEL="3") == b""
