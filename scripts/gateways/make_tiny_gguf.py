"""Writes a tiny llama model of random weights (1.3 MB) whose texts are words: a real engine without a download.

python make_tiny_gguf.py OUT.gguf        needs gguf and numpy
"""

import sys
from typing import Any

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 8192
SPACE = "\u2581"
WORDS = ["the", "a", "hello", "world", "mock", "upstream", "answer", "is", "yes", "no", "one", "two", "three", "four"]
WORDS += ["five", "red", "blue", "green", "cat", "dog", "sun", "moon", "tree", "house"]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,!?:;'\"-()[]{}<>|/\\_\n"
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + (m['content'] if m['content'] is string else '') + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
random = np.random.default_rng(7)


def main() -> None:
    out = sys.argv[1]
    writer: Any = gguf.GGUFWriter(out, "llama")
    describe(writer)
    count = add_words(writer)
    add_weights(writer, count)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(out, count, "tokens")


def describe(writer: Any) -> None:
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(0)
    writer.add_chat_template(TEMPLATE)


def add_words(writer: Any) -> int:
    """A vocabulary of control tokens, bytes, words and letters; gives its size."""
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{number:02X}>".encode() for number in range(256))]
    kinds = [gguf.TokenType.UNKNOWN, *[gguf.TokenType.CONTROL] * 2, *[gguf.TokenType.BYTE] * 256]
    scores = [0.0] * len(tokens)
    pieces = dict.fromkeys([SPACE, *(SPACE + word for word in WORDS), *WORDS, *LETTERS])
    for rank, piece in enumerate(pieces, 1):
        tokens.append(piece.encode())
        scores.append(float(-rank) if len(piece) == 1 else float(len(piece)))
        kinds.append(gguf.TokenType.NORMAL)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    return len(tokens)


def add_weights(writer: Any, count: int) -> None:
    def drawn(*shape: int) -> Any:
        return (random.standard_normal(shape) * 0.08).astype(np.float32)

    writer.add_tensor("token_embd.weight", drawn(count, WIDTH))
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    output = drawn(count, WIDTH) * 6
    output[:259] *= 0.02  # control and byte tokens are seldom picked, so that the text is words
    output[2] *= 75  # but the end of text often enough that answers stop by themselves
    writer.add_tensor("output.weight", output)
    shapes = {
        "attn_q": (WIDTH, WIDTH),
        "attn_k": (WIDTH, WIDTH),
        "attn_v": (WIDTH, WIDTH),
        "attn_output": (WIDTH, WIDTH),
        "ffn_gate": (INNER, WIDTH),
        "ffn_up": (INNER, WIDTH),
        "ffn_down": (WIDTH, INNER),
    }
    for layer in range(LAYERS):
        for norm in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{norm}.weight", np.ones(WIDTH, np.float32))
        for name, shape in shapes.items():
            writer.add_tensor(f"blk.{layer}.{name}.weight", drawn(*shape))


if __name__ == "__main__":
    main()
