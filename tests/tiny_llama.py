"""A Llama of a few blocks with random weights, and a tokenizer of a few words; it opens and reads in milliseconds."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

WORDS = ["<unk>", "<s>", "</s>", "we", "make", "soft", "drinks", "and", "sell", "chips", "a"]
BOS = 1


def save_tiny_llama(folder: Path, *, bos: bool = True, context: int = 32, blocks: int = 2, seed: int = 0) -> Path:
    """Save model and tokenizer into `folder`, weights the same for a seed; with `bos`, texts begin with a BOS token."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=blocks,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=context,
        bos_token_id=BOS,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if bos:
        backend.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", BOS)])
    fast = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", bos_token="<s>", eos_token="</s>", padding_side="left"
    )
    fast.save_pretrained(folder)
    return folder
