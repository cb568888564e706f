/* The bundled guide model, a GGUF file that lies in the program itself (app/models/guide.S). */
#ifndef APP_MODELS_GUIDE_H
#define APP_MODELS_GUIDE_H

#include <stddef.h>

#define GUIDE_NAME "guide"

extern const unsigned char guide_data[], guide_end[];

static inline size_t
guide_size(void)
{
	return (size_t)(guide_end - guide_data);
}

#endif
