"""Text by `transformers` behind one prompt, for every line `text` on standard input; answers are lines of JSON. See README.md."""
import json
import os
import sys
import time


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    import torch
    import transformers

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    with open(os.path.join(folder, "prompt.json")) as file:
        given = json.load(file)
    net = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    net.eval()
    prompt = torch.tensor([given["prompt"]])

    def text():
        with torch.inference_mode():
            return net.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=given["tokens"],
                min_new_tokens=given["tokens"],
                do_sample=False,
                use_cache=True,
                eos_token_id=None,
                pad_token_id=0,
            )[0].tolist()

    answer({"ids": text(), "torch": torch.__version__, "transformers": transformers.__version__})
    for _ in sys.stdin:
        start = time.perf_counter()
        text()
        answer({"ms": (time.perf_counter() - start) * 1000})


if __name__ == "__main__":
    main()
