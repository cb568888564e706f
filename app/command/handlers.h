/* The functions of the command table (command.c), a file a subject. */
#ifndef APP_COMMAND_HANDLERS_H
#define APP_COMMAND_HANDLERS_H

#include "app/command/command.h"
#include "app/controller/controller.h"

/* sessions.c */
void command_new(struct controller *c, const char *arg);
void command_sessions(struct controller *c, const char *arg);
void command_resume(struct controller *c, const char *arg);
void command_rename(struct controller *c, const char *arg);
void command_delete(struct controller *c, const char *arg);
void complete_session(struct controller *c, const char *word, struct ui_completions *out);

/* model.c */
void command_model(struct controller *c, const char *arg);
void command_system(struct controller *c, const char *arg);
void command_set(struct controller *c, const char *arg);
void complete_model(struct controller *c, const char *word, struct ui_completions *out);
void complete_system(struct controller *c, const char *word, struct ui_completions *out);
void complete_setting(struct controller *c, const char *word, struct ui_completions *out);

/* answer.c */
void command_regen(struct controller *c, const char *arg);
void command_continue(struct controller *c, const char *arg);
void command_branch(struct controller *c, const char *arg);
void command_stats(struct controller *c, const char *arg);
void command_context(struct controller *c, const char *arg);
void complete_branch(struct controller *c, const char *word, struct ui_completions *out);

/* copy.c */
void command_copy(struct controller *c, const char *arg);
void complete_copy(struct controller *c, const char *word, struct ui_completions *out);

/* edit.c */
void command_undo(struct controller *c, const char *arg);
void command_edit(struct controller *c, const char *arg);

/* screen.c */
void command_theme(struct controller *c, const char *arg);
void command_quit(struct controller *c, const char *arg);
void complete_theme(struct controller *c, const char *word, struct ui_completions *out);

/* command.c: pages made of its table and the key map */
void command_keys(struct controller *c, const char *arg);
void command_help(struct controller *c, const char *arg);

/* The command that is being run cannot be done: its line goes back to the input, and the reason is shown. */
void command_refuse(struct controller *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A number from 1 to n, and nothing else; 0: it is none. */
size_t command_number(const char *arg, size_t n);

/* Adds `text` when it begins with `word`, case ignored. */
void complete_if(struct ui_completions *out, const char *word, const char *text, const char *help);

#endif
