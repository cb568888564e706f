/* models/guide.gguf as read-only data of the program. 64 bytes: what the engine's loads like best. */
	.section .rodata
	.balign 64
	.globl guide_data
	.globl guide_end
	.type guide_data, %object
	.type guide_end, %object
guide_data:
	.incbin "models/guide.gguf"
guide_end:
	.byte 0
	.size guide_data, guide_end - guide_data
	.size guide_end, 1
#if defined(__linux__) && defined(__ELF__)
	.section .note.GNU-stack, "", %progbits
#endif
