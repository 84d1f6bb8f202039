"""Whether a training computes with 16 bits. GPUs are stood in for by their capability: there is none here."""

from pathlib import Path

import pytest

from cic_assets.domain.models import AcceleratorSettings, accelerator

ZEN_4 = "processor : 0\nflags\t\t: fpu sse avx512_bf16 clzero\nbugs : sysret_ss_attrs\n"
LAPTOP = "processor : 0\nflags\t\t: fpu sse avx2\n"


@pytest.mark.parametrize(("text", "has"), [(ZEN_4, True), (LAPTOP, False), ("", False)])
def test_a_processor_has_bfloat16_if_linux_says_so(tmp_path: Path, text: str, has: bool) -> None:
    (tmp_path / "cpuinfo").write_text(text)
    assert accelerator.has_bfloat16("cpu", tmp_path / "cpuinfo") is has
    assert not accelerator.has_bfloat16("cpu", tmp_path / "not Linux")


@pytest.mark.parametrize(("capability", "has"), [((7, 5), False), ((8, 0), True), ((12, 0), True), ((0,), False)])
def test_gpus_have_it_since_ampere(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, ...], has: bool) -> None:
    monkeypatch.setattr(accelerator, "_CAPABILITIES", {"tensorflow": lambda: capability})
    assert accelerator.has_bfloat16("gpu:0") is has


@pytest.mark.parametrize("has", [True, False])
@pytest.mark.parametrize(("asked", "always"), [("auto", None), (True, True), (False, False)])
def test_auto_does_what_is_quicker_and_a_word_goes_before_it(
    monkeypatch: pytest.MonkeyPatch, asked: bool | str, always: bool | None, has: bool
) -> None:
    import keras

    monkeypatch.setattr(accelerator, "has_bfloat16", lambda _device: has)
    accelerator.activate(AcceleratorSettings.model_validate({"device": "cpu", "mixed_precision": asked}))
    expected = "mixed_bfloat16" if (has if always is None else always) else "float32"
    assert keras.config.dtype_policy().name == expected
