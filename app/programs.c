#include "config.h"

#include "app/cli/cli.h"
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
	{ 'p', "print", "PROMPT", OPTION_LAST, offsetof(struct options, print), 0,
		"one answer on stdout; stdin, when it is no terminal, is appended, and needs no -p" },
	FLAG(0, "json", json, "one answer, as one JSON object"),
	FLAG(0, "stream-json", stream_json, "one answer, as JSON objects, one a line, as it comes"),
	HELP,
	FLAG('V', "version", version, "what this program is and was built with"),
	END,
};

const struct program programs[] = {
	{ "", "[PROMPT]", "Chat with a Llama-2-Chat model in the terminal", chat_options, "*", 0, 1000, program_chat, NULL },
	{ "models", "", "Models: configured, found on this machine, bundled", cli_models_options, "context kv", 0, 0,
		cli_models, NULL },
	{ "sessions", "[VERB [ARG...]]", "Chats on disk", cli_sessions_options, NULL, 0, 1000, cli_sessions,
		cli_sessions_verb },
	{ "config", "VERB", "Check the configuration, or say where it is", cli_config_options, NULL, 1, 2,
		cli_config, cli_config_verb },
	{ "themes", "", "List the colours", cli_themes_options, NULL, 0, 0, cli_themes, NULL },
	{ "bench", "", "Measure how fast a model runs here", cli_bench_options, "threads prompt_threads kv", 0, 0,
		cli_bench, NULL },
	{ "tokenize", "[FILE]", "Token ids of texts, a line each", cli_tokenize_options, NULL, 0, 1, cli_tokenize, NULL },
	{ "template", "", "The exact prompt of a conversation, as text and as ids", cli_template_options, NULL, 0, 0,
		cli_template, NULL },
	{ "logits", "", "The logits of every position of a sequence", cli_logits_options,
		"threads prompt_threads kv context", 0, 0, cli_logits, NULL },
	{ "perplexity", "TEXTFILE", "How well a model predicts a text", cli_perplexity_options,
		"threads prompt_threads kv context", 1, 1, cli_perplexity, NULL },
	{ NULL, NULL, NULL, NULL, NULL, 0, 0, NULL, NULL },
};
