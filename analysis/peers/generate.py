"""Text by `transformers` behind one prompt, for every line `text` on standard input. See README.md."""
import sys

from answers import answer, answer_lines, given, torch_with


def main():
    folder, threads = sys.argv[1], int(sys.argv[2])
    torch = torch_with(threads)
    import transformers

    asked = given(folder, "prompt.json")
    net = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    net.eval()
    prompt = torch.tensor([asked["prompt"]])

    def text():
        with torch.inference_mode():
            return net.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=asked["tokens"],
                min_new_tokens=asked["tokens"],
                do_sample=False,
                use_cache=True,
                eos_token_id=None,
                pad_token_id=0,
            )[0].tolist()

    answer({"ids": text(), "torch": torch.__version__, "transformers": transformers.__version__})
    answer_lines(text)


if __name__ == "__main__":
    main()
