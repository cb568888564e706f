#include "config.h"

#include "app/programs.h"

#define FLAG(letter, name, field, help) \
	{ letter, name, NULL, OPTION_FLAG, offsetof(struct options, field), 0, help }
#define TEXT(letter, name, arg, field, help) \
	{ letter, name, arg, OPTION_TEXT, offsetof(struct options, field), 0, help }

#define HELP FLAG('h', "help", help, "this help")
#define MODEL TEXT('m', "model", "NAME|FILE", model, "a model of the configuration, or a GGUF file")
#define END { 0, NULL, NULL, OPTION_FLAG, 0, 0, NULL }

static const struct option_spec chat_options[] = {
	MODEL,
	TEXT('s', "system", "NAME|TEXT", system, "system prompt: one of the configuration, or the text"),
	FLAG('c', "continue", cont, "go on with the newest chat"),
	{ 'r', "resume", "ID|TITLE", OPTION_MAYBE, offsetof(struct options, resume),
		offsetof(struct options, resume_asked), "go on with this chat, or choose one" },
	FLAG(0, "no-save", no_save, "keep nothing of this chat on disk"),
	TEXT(0, "theme", "NAME", theme, "colours"),
	FLAG(0, "plain", plain, "no full screen: lines on a plain terminal, for screen readers"),
	TEXT('p', "print", "PROMPT", print, "one answer on stdout; stdin, when it is no terminal, is appended"),
	FLAG(0, "json", json, "with -p: the answer as one JSON object"),
	FLAG(0, "stream-json", stream_json, "with -p: JSON objects, one a line, as the answer comes"),
	HELP,
	FLAG('V', "version", version, "what this program is and was built with"),
	END,
};

static const struct option_spec help_options[] = { HELP, END };

static const struct option_spec json_options[] = {
	FLAG(0, "json", json, "as JSON"),
	HELP,
	END,
};

static const struct option_spec bench_options[] = {
	MODEL,
	TEXT('p', "prompt-tokens", "N", prompt_tokens, "tokens processed in one go (512; 0: no such test)"),
	TEXT('n', "gen-tokens", "N", gen_tokens, "tokens generated one by one (128; 0: no such test)"),
	TEXT('d', "depth", "N", depth, "tokens already in the context (0)"),
	TEXT('r', "repeat", "N", repeat, "runs of each test (5)"),
	FLAG(0, "json", json, "as JSON"),
	HELP,
	END,
};

static const struct option_spec tokenize_options[] = {
	MODEL,
	FLAG(0, "special", special, "control tokens written out in the text are recognised"),
	FLAG('0', "null", nul, "texts are separated by NUL instead of newline"),
	HELP,
	END,
};

static const struct option_spec template_options[] = {
	MODEL,
	TEXT(0, "json", "FILE", json_file, "the conversation: [{\"role\": ..., \"content\": ...}, ...]; else stdin"),
	HELP,
	END,
};

static const struct option_spec logits_options[] = {
	MODEL,
	TEXT(0, "ids", "\"N N N\"", ids, "token ids"),
	TEXT('o', "output", "FILE", output, "little-endian float32, [ids][vocabulary]"),
	HELP,
	END,
};

static const struct option_spec model_options[] = { MODEL, HELP, END };

const struct program programs[] = {
	{ "", "[PROMPT]", "Chat with a Llama-2-Chat model in the terminal", chat_options, "*", 0, 1000, program_chat },
	{ "models", "", "Models: configured, found on this machine, bundled", json_options, "context kv", 0, 0,
		program_models },
	{ "sessions", "list|show|search|export|import|delete|doctor [ARG]", "Work with the chats on disk",
		json_options, NULL, 0, 2, program_sessions },
	{ "config", "check|path", "Check the configuration, or say where it is", help_options, NULL, 1, 1,
		program_config },
	{ "themes", "", "List the colours", help_options, NULL, 0, 0, program_themes },
	{ "bench", "", "Measure how fast a model runs here", bench_options, "threads kv context", 0, 0, program_bench },
	{ "tokenize", "[FILE]", "Token ids of texts, a line each", tokenize_options, NULL, 0, 1, program_tokenize },
	{ "template", "", "The exact prompt of a conversation, as text and as ids", template_options, NULL, 0, 0,
		program_template },
	{ "logits", "", "The logits of every position of a sequence", logits_options, "threads kv context", 0, 0,
		program_logits },
	{ "perplexity", "TEXTFILE", "How well a model predicts a text", model_options, "threads kv context", 1, 1,
		program_perplexity },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL },
};
