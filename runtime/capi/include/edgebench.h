/* edgebench: runs .tflite networks.
 *
 * A network is opened over the bytes of a file, which the caller keeps where they are until the network is closed. A
 * network belongs to one thread at a time. What a function gives a pointer to stays until the network is resized,
 * invoked or closed. Every function may be called with null pointers and wrong indices: it says so and does nothing.
 *
 *     edgebench_network *network;
 *     if (edgebench_open(file, file_bytes, NULL, &network) != EDGEBENCH_OK)
 *         fprintf(stderr, "%s\n", edgebench_message(network));
 *     memcpy(edgebench_input_data(network, 0, NULL), image, image_bytes);
 *     edgebench_invoke(network);
 *     edgebench_tensor output;
 *     edgebench_output(network, 0, &output);
 *     edgebench_close(network);
 */
#ifndef EDGEBENCH_H
#define EDGEBENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What this header describes; edgebench_version() says what the library does. */
#define EDGEBENCH_VERSION 1

/* How a call went. edgebench_message() says more. */
typedef int32_t edgebench_status;
#define EDGEBENCH_OK 0
/* A null pointer, an index or a shape that is not there, or a network that did not open. */
#define EDGEBENCH_WRONG_CALL 1
/* The file is no model, or this library does not run it within the limit of memory. */
#define EDGEBENCH_WRONG_MODEL 2
/* A value that was computed cannot be worked with, such as an index out of range. */
#define EDGEBENCH_WRONG_VALUE 3

/* Element types. */
typedef int32_t edgebench_type;
#define EDGEBENCH_FLOAT32 1
#define EDGEBENCH_FLOAT16 2
#define EDGEBENCH_INT4 3
#define EDGEBENCH_INT8 4
#define EDGEBENCH_UINT8 5
#define EDGEBENCH_INT16 6
#define EDGEBENCH_INT32 7
#define EDGEBENCH_INT64 8
#define EDGEBENCH_BOOL 9
#define EDGEBENCH_RESOURCE 10
#define EDGEBENCH_COMPLEX64 11
#define EDGEBENCH_INT2 12

typedef struct edgebench_network edgebench_network;

/* How a network is prepared. Zeros ask for what a null pointer asks for. */
typedef struct edgebench_options {
    /* What the network may take beside the file, in bytes; 0 for 1 GiB. */
    size_t memory_limit_bytes;
    /* The set of kernels, such as "reference", ended by a zero byte; null for the fastest that this CPU has. */
    const char *kernels;
} edgebench_options;

/* A tensor as it is now. */
typedef struct edgebench_tensor {
    /* Its name in the file: UTF-8, not ended by a zero byte. */
    const char *name;
    size_t name_bytes;
    edgebench_type type;
    /* Dimensions, the outermost first; NHWC for images. */
    const size_t *dims;
    size_t rank;
    /* Elements, row-major in the byte order of this machine. */
    const void *data;
    size_t data_bytes;
    /* real = scale * (stored - zero_point); a scale of 0 says that there is none, or one for each channel. */
    float scale;
    int32_t zero_point;
} edgebench_tensor;

/* The version of this interface that the library has. */
uint32_t edgebench_version(void);

/* Opens a network over the bytes of a .tflite file. *network is to be closed also when this fails, and holds the message
 * until then; it is null only when there is no memory or a pointer is null. options may be null. */
edgebench_status edgebench_open(const void *file, size_t file_bytes, const edgebench_options *options,
                                edgebench_network **network);

/* Gives back what a network holds. */
void edgebench_close(edgebench_network *network);

/* What was wrong with the last call that failed: one line of UTF-8, empty when none has. */
const char *edgebench_message(const edgebench_network *network);

/* Numbers of inputs and outputs; 0 for a network that did not open. */
size_t edgebench_input_count(const edgebench_network *network);
size_t edgebench_output_count(const edgebench_network *network);

/* An input or an output as it is now. */
edgebench_status edgebench_input(edgebench_network *network, size_t index, edgebench_tensor *tensor);
edgebench_status edgebench_output(edgebench_network *network, size_t index, edgebench_tensor *tensor);

/* The bytes of an input, to be written; they keep their values over runs. bytes, which may be null, receives how many
 * there are. Null when there is no such input. */
void *edgebench_input_data(edgebench_network *network, size_t index, size_t *bytes);

/* Gives an input another shape and plans everything anew; all inputs are zeros afterwards. When this fails the network
 * is as it was. */
edgebench_status edgebench_resize(edgebench_network *network, size_t index, const size_t *dims, size_t rank);

/* Computes the outputs from the inputs. */
edgebench_status edgebench_invoke(edgebench_network *network);

/* Gives the state of recurrent operators its first values. */
void edgebench_reset(edgebench_network *network);

#ifdef __cplusplus
}
#endif

#endif
