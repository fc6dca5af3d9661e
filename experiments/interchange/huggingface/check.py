#!/usr/bin/env python3
"""Compares `subband import hf` and `export hf` with the real `transformers`, on small random models of many options.

    python3 experiments/interchange/huggingface/check.py [--program build/ci/subband] [--folder DIR …]

Not part of `make test`: it needs a network once, for PyTorch and transformers, which go to build/huggingface_env. For
each model: save_pretrained, import, forward against transformers (logits, hidden states, gradients, a padded batch),
export, from_pretrained, and its logits again. Then a few of them in other forms of the folder: half precision, shards,
pytorch_model.bin, the spelling of transformers 4. `--folder`: also compares real downloaded folders. Prints one line a
model and exits with 1 if one is off.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from check_forms import forms_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["torch==2.11.0", "transformers==5.24.0", "safetensors", "numpy"]
LIMIT_LOGITS, LIMIT_GRADIENTS = 1e-5, 1e-4


def with_packages():
    """Runs this script again inside its own environment, made where it is missing."""
    environment = Path(os.environ.get("SUBBAND_HF_ENV", ROOT / "build" / "huggingface_env"))
    python = environment / "bin" / "python"
    if Path(sys.prefix) == environment.resolve():
        return
    if not python.exists():
        venv.create(environment, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    os.execv(python, [python, *sys.argv])


def models():
    from transformers import GPT2Config, LlamaConfig, Qwen2Config

    def gpt2(**more):
        return GPT2Config(**{"vocab_size": 61, "n_positions": 48, "n_embd": 32, "n_layer": 3, "n_head": 4, **more})

    def llama(kind=LlamaConfig, **more):
        return kind(**{"vocab_size": 61, "max_position_embeddings": 64, "hidden_size": 32, "num_hidden_layers": 2,
                       "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 72, **more})

    def rope(kind, theta=10000.0, **more):
        return {"rope_parameters": {"rope_type": kind, "rope_theta": theta, **more}}

    return {
        "gpt2": gpt2(),
        "gpt2, untied, n_inner 40, relu": gpt2(tie_word_embeddings=False, n_inner=40, activation_function="relu"),
        "gpt2, exact gelu, eps 1e-3": gpt2(activation_function="gelu", layer_norm_epsilon=1e-3),
        "gpt2, scores over layer": gpt2(scale_attn_by_inverse_layer_idx=True, reorder_and_upcast_attn=True),
        "gpt2, scores not scaled": gpt2(scale_attn_weights=False),
        "gpt2, scores over layer alone": gpt2(scale_attn_weights=False, scale_attn_by_inverse_layer_idx=True),
        "gpt2, silu": gpt2(activation_function="silu"),
        "llama": llama(),
        "llama, tied, biases": llama(tie_word_embeddings=True, attention_bias=True, mlp_bias=True),
        "llama, one kv head, head_dim 16": llama(num_key_value_heads=1, head_dim=16),
        "llama, as many kv heads, gelu gate": llama(num_key_value_heads=4, hidden_act="gelu", rms_norm_eps=1e-5),
        "llama, rope 5e5": llama(**rope("default", 5e5)),
        "llama, linear": llama(**rope("linear", factor=4.0)),
        "llama, llama3": llama(**rope("llama3", 5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                      original_max_position_embeddings=32)),
        "llama, yarn": llama(**rope("yarn", factor=4.0, original_max_position_embeddings=16)),
        "llama, yarn, own betas": llama(**rope("yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=16.0,
                                               beta_slow=2.0, mscale=0.8, mscale_all_dim=0.5, truncate=False)),
        "qwen2": llama(Qwen2Config, **rope("default", 1e6)),
        "qwen2, tied, quick gelu": llama(Qwen2Config, tie_word_embeddings=True, hidden_act="quick_gelu"),
        "qwen2, window off": llama(Qwen2Config, use_sliding_window=False, sliding_window=8, max_window_layers=0),
    }


def error(ours, theirs):
    ours, theirs = ours.detach(), theirs.detach()
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())


class Check:
    def __init__(self, program, scratch):
        self.program, self.scratch = program, Path(scratch)

    def run(self, *words):
        done = subprocess.run([self.program, *map(str, words), "--quiet"], cwd=ROOT, capture_output=True, text=True,
                              env={**os.environ, "SUBBAND_ROOT": str(ROOT)})
        if done.returncode:
            sys.exit(f"{' '.join(map(str, words))}: {done.stderr}")

    def answers(self, model, vocabulary):
        """Inputs for both sides, and what transformers makes of them."""
        import torch
        torch.manual_seed(2)
        ids = torch.randint(0, vocabulary, (2, 23))
        mask = torch.ones_like(ids)
        mask[1, 17:] = 0
        output = model(ids, output_hidden_states=True)
        loss = torch.nn.functional.cross_entropy(output.logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        padded = model(ids, attention_mask=mask).logits.detach()
        return ids, mask, output, loss, padded

    def compare(self, folder, model):
        import torch
        from safetensors.torch import load_file, save_file
        from transformers import AutoModelForCausalLM
        ours, names = self.scratch / "ours", {}
        self.run("import", "hf", folder, "--out", ours)
        ids, mask, output, loss, padded = self.answers(model, model.config.vocab_size)
        targets = torch.cat([ids[:, 1:], torch.full((2, 1), -100)], 1).contiguous()
        save_file({"ids": ids, "targets": targets}, self.scratch / "t")
        self.run("forward", ours, "--tokens", self.scratch / "t", "--out", self.scratch / "l", "--hidden",
                 "--gradients", self.scratch / "g", "--names", "hf")
        answer, gradients = load_file(self.scratch / "l"), load_file(self.scratch / "g")
        errors = {"logits": error(answer["logits"], output.logits), "loss": error(answer["loss"], loss)}
        errors["hidden"] = max(error(answer[f"hidden_{i}"], h) for i, h in enumerate(output.hidden_states))
        wanted = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        names = set(gradients) ^ set(wanted)
        assert not names, f"names differ: {names}"
        errors["gradients"] = max(error(gradients[name], wanted[name]) / 10 for name in wanted
                                  if wanted[name].norm() > 1e-7)
        save_file({"ids": ids, "attention_mask": mask}, self.scratch / "t")
        self.run("forward", ours, "--tokens", self.scratch / "t", "--out", self.scratch / "l")
        real = mask.bool()
        errors["padded"] = error(load_file(self.scratch / "l")["logits"][real], padded[real])
        self.run("export", "hf", ours, "--out", self.scratch / "exported")
        loaded, info = AutoModelForCausalLM.from_pretrained(
            self.scratch / "exported", attn_implementation="eager", dtype=torch.float32, output_loading_info=True)
        complaints = {key: value for key, value in info.items() if value}
        assert not complaints, f"loading the export: {complaints}"
        errors["export"] = error(loaded.eval()(ids).logits, output.logits)
        return errors


def main():
    with_packages()
    import torch
    import transformers
    from transformers import AutoModelForCausalLM
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--program", default=ROOT / "build" / "ci" / "subband")
    arguments.add_argument("--folder", nargs="*", default=[])
    arguments.add_argument("--only", help="models whose name contains this")
    words = arguments.parse_args()
    failed = 0

    def random_model(config):
        torch.manual_seed(1)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
        with torch.no_grad():  # no bias zero and no gain one, so that a dropped parameter shows
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.1)
        return model

    def load(folder):
        return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()

    def report(name, folder, model):
        nonlocal failed
        with tempfile.TemporaryDirectory() as scratch:
            errors = Check(words.program, scratch).compare(folder, model)
        good = all(value < LIMIT_LOGITS for value in errors.values())  # gradients come over ten times their limit
        failed += not good
        print(("ok   " if good else "OFF  ") + f"{name:52}", *(f"{key} {value:.1e}" for key, value in errors.items()))

    for name, config in models().items():
        if words.only and words.only not in name:
            continue
        model = random_model(config)
        with tempfile.TemporaryDirectory() as folder:
            model.save_pretrained(folder)
            report(name, folder, model)
    for name in ("gpt2", "gpt2, untied, n_inner 40, relu", "llama, rope 5e5", "llama, llama3", "llama, yarn",
                 "qwen2, tied, quick gelu"):
        for form, save in forms_of(models()[name]).items():
            if words.only and words.only not in f"{name}: {form}":
                continue
            with tempfile.TemporaryDirectory() as folder:
                save(random_model(models()[name]), folder)
                report(f"{name}: {form}", folder, load(folder))
    for folder in words.folder:
        report(folder, folder, load(folder))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
