#include "config.h"

#include "ui/marks.h"

const struct marks marks_unicode = {
	.bar = "▌", .full = "▰", .empty = "▱", .dot = "·", .down = "▼", .up = "▲",
	.ellipsis = "…", .continued = "↳", .pointer = "›", .bullet = "•",
	.horizontal = "─", .vertical = "│",
	.top_left = "┌", .top_right = "┐", .bottom_left = "└", .bottom_right = "┘",
	.left_tee = "├", .right_tee = "┤",
};

const struct marks marks_ascii = {
	.bar = "|", .full = "#", .empty = "-", .dot = "-", .down = "v", .up = "^",
	.ellipsis = "~", .continued = "\\", .pointer = ">", .bullet = "*",
	.horizontal = "-", .vertical = "|",
	.top_left = "+", .top_right = "+", .bottom_left = "+", .bottom_right = "+",
	.left_tee = "+", .right_tee = "+",
};
