/*
 * The chat formats. Sources: llama-2: meta-llama/llama, llama/generation.py (each pair BOS ... EOS
 * of its own; the system text wrapped into the first user message). mistral: mistral-common's first
 * tokenizer version (text; the system text in the first user turn) and its third (marker tokens; in
 * the last user turn, as in the models' own templates). llama-3: meta-llama/llama3,
 * llama/tokenizer.py. vicuna, falcon: lm-sys/FastChat, conversation.py. alpaca:
 * tatsu-lab/stanford_alpaca, train.py. zephyr, chatml, starchat: the models' cards. solar:
 * upstage/SOLAR-10.7B-Instruct, tokenizer_config.json, which puts nothing after an answer, as it was
 * tuned to single turns; here a blank line parts an answer from the next turn like the other blocks,
 * as fine-tunes of it have it. tulu: allenai/open-instruct, dataset_transformation.py.
 */
#include "config.h"

#include "engine/template_table.h"

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }
#define NOTHING (const char *const[]){ NULL }

#define INST_DELIMITERS LIST("[INST]", "[/INST]", "<<SYS>>", "<</SYS>>")
#define CHATML_MARKERS LIST("<|im_start|>", "<|im_end|>")
#define ZEPHYR_MARKERS LIST("<|system|>", "<|user|>", "<|assistant|>")
#define STARCHAT_MARKERS LIST("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
#define LLAMA3_MARKERS LIST("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", \
	"<|end_header_id|>", "<|eot_id|>", "<|eom_id|>")

const struct template template_table[] = {
	{
		.name = "llama-2",
		.help = "Llama-2-Chat, Code Llama Instruct: [INST] <<SYS>>",
		.aliases = LIST("llama2", "codellama"),
		.before = { "<<SYS>>\n", "{bos}[INST] ", " " },
		.after = { "\n<</SYS>>\n\n", " [/INST]", " {eos}" },
		.stops = NOTHING,
		.markers = NOTHING,
		.delimiters = INST_DELIMITERS,
		.flags = TEMPLATE_STRIP | TEMPLATE_SYSTEM_IN_USER | TEMPLATE_NO_BOS,
	},
	{
		.name = "llama-3",
		.help = "Llama-3-Instruct: <|start_header_id|>",
		.aliases = LIST("llama3"),
		.before = { "<|start_header_id|>system<|end_header_id|>\n\n",
			"<|start_header_id|>user<|end_header_id|>\n\n",
			"<|start_header_id|>assistant<|end_header_id|>\n\n" },
		.after = { "<|eot_id|>", "<|eot_id|>", "<|eot_id|>" },
		.stops = LIST("<|eot_id|>"),
		.markers = LLAMA3_MARKERS,
		.delimiters = LLAMA3_MARKERS,
		.flags = TEMPLATE_STRIP | TEMPLATE_BOS | TEMPLATE_NEEDS_MARKERS,
	},
	{
		.name = "mistral",
		.help = "Mistral- and Mixtral-Instruct v0.1, v0.2: [INST] without <<SYS>>",
		.before = { "", "[INST] ", " " },
		.after = { "\n\n", " [/INST]", "{eos}" },
		.stops = NOTHING,
		.markers = NOTHING,
		.delimiters = INST_DELIMITERS,
		.flags = TEMPLATE_STRIP | TEMPLATE_SYSTEM_IN_USER,
	},
	{
		.name = "mistral-v3",
		.help = "Mistral-Instruct v0.3: [INST] as tokens of its own",
		.before = { "", "[INST]", "" },
		.after = { "\n\n", "[/INST]", "{eos}" },
		.stops = NOTHING,
		.markers = LIST("[INST]", "[/INST]"),
		.delimiters = INST_DELIMITERS,
		.flags = TEMPLATE_STRIP | TEMPLATE_SYSTEM_IN_USER | TEMPLATE_SYSTEM_IN_LAST |
			TEMPLATE_NEEDS_MARKERS,
	},
	{
		.name = "vicuna",
		.help = "Vicuna 1.1 and later, WizardLM, Xwin: USER: ASSISTANT:",
		.aliases = LIST("wizardlm"),
		.system = "A chat between a curious user and an artificial intelligence assistant. "
			"The assistant gives helpful, detailed, and polite answers to the user's "
			"questions.",
		.before = { "", "USER: ", "ASSISTANT: " },
		.after = { " ", " ", "{eos}" },
		.stops = NOTHING,
		.markers = NOTHING,
		.delimiters = LIST("USER:", "ASSISTANT:"),
		.flags = TEMPLATE_STRIP,
	},
	{
		.name = "alpaca",
		.help = "Alpaca, WizardCoder: ### Instruction:",
		.system = "Below is an instruction that describes a task. Write a response that "
			"appropriately completes the request.",
		.before = { "", "### Instruction:\n", "### Response:\n" },
		.after = { "\n\n", "\n\n", "{eos}" },
		.stops = LIST("### Instruction:"),
		.markers = NOTHING,
		.delimiters = LIST("### Instruction:", "### Response:", "### Input:"),
		.flags = TEMPLATE_STRIP,
	},
	{
		.name = "solar",
		.help = "SOLAR-Instruct: ### User: ### Assistant:",
		.before = { "### System:\n", "### User:\n", "### Assistant:\n" },
		.after = { "\n\n", "\n\n", "\n\n" },
		.stops = LIST("### User:"),
		.markers = NOTHING,
		.delimiters = LIST("### System:", "### User:", "### Assistant:"),
	},
	{
		.name = "zephyr",
		.help = "Zephyr, TinyLlama-Chat: <|user|>, </s>",
		.aliases = LIST("tinyllama"),
		.before = { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
		.after = { "{eos}\n", "{eos}\n", "{eos}\n" },
		.stops = LIST("<|user|>", "<|system|>"),
		.markers = ZEPHYR_MARKERS,
		.delimiters = ZEPHYR_MARKERS,
	},
	{
		.name = "tulu",
		.help = "Tulu, OLMo-Instruct, Merlinite: as zephyr, but only answers end with </s>",
		.aliases = LIST("merlinite"),
		.before = { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
		.after = { "\n", "\n", "{eos}\n" },
		.stops = LIST("<|user|>", "<|system|>"),
		.markers = ZEPHYR_MARKERS,
		.delimiters = ZEPHYR_MARKERS,
	},
	{
		.name = "chatml",
		.help = "ChatML, as MPT-Chat, OpenHermes, Dolphin have it: <|im_start|>",
		.before = { "<|im_start|>system\n", "<|im_start|>user\n",
			"<|im_start|>assistant\n" },
		.after = { "<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n" },
		.stops = LIST("<|im_end|>", "<|im_start|>"),
		.markers = CHATML_MARKERS,
		.delimiters = CHATML_MARKERS,
	},
	{
		.name = "falcon",
		.help = "Falcon-Instruct: User: Assistant:",
		.before = { "", "User: ", "Assistant: " },
		.after = { "\n\n", "\n\n", "\n\n" },
		.stops = LIST("\nUser:"),
		.markers = NOTHING,
		.delimiters = LIST("\nUser:", "\nAssistant:"),
		.flags = TEMPLATE_STRIP | TEMPLATE_ONE_NEWLINE,
	},
	{
		.name = "starchat",
		.help = "StarChat: <|user|>, <|end|>",
		.system = "",
		.before = { "<|system|>\n", "<|user|>\n", "<|assistant|>\n" },
		.after = { "<|end|>\n", "<|end|>\n", "<|end|>\n" },
		.stops = LIST("<|end|>"),
		.markers = STARCHAT_MARKERS,
		.delimiters = STARCHAT_MARKERS,
	},
	{
		.name = "plain",
		.help = "no chat format: the model goes on with the text as it stands",
		.aliases = LIST("completion", "none"),
		.before = { "", "", "" },
		.after = { "\n\n", "", "\n" },
		.stops = NOTHING,
		.markers = NOTHING,
		.delimiters = NOTHING,
		.flags = TEMPLATE_KEEP_SPACE,
	},
};

const size_t n_templates = sizeof template_table / sizeof *template_table;
