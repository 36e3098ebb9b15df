/* Runs a network on the bytes of a file, and every mistake that a caller can make: digits MODEL INPUT OUTPUT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edgebench.h"

#define EXPECT(condition)                                                             \
    do {                                                                              \
        if (!(condition)) {                                                           \
            fprintf(stderr, "line %d: %s does not hold\n", __LINE__, #condition);     \
            return 1;                                                                 \
        }                                                                             \
    } while (0)

static void *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "rb");
    long length;
    void *content;
    if (!file || fseek(file, 0, SEEK_END) || (length = ftell(file)) < 0) exit(2);
    rewind(file);
    content = malloc((size_t)length + 1);
    *bytes = (size_t)length;
    if (!content || fread(content, 1, *bytes, file) != *bytes) exit(2);
    fclose(file);
    return content;
}

/* What does not open says why, and can be asked everything. */
static int refuse(const void *model, size_t model_bytes) {
    edgebench_network *network = NULL;
    edgebench_tensor tensor;
    edgebench_options options = {0, "abacus"};
    size_t bytes = 1;
    EXPECT(edgebench_open(model, 100, NULL, &network) == EDGEBENCH_WRONG_MODEL);
    EXPECT(strlen(edgebench_message(network)) > 10);
    EXPECT(edgebench_input_count(network) == 0 && edgebench_output_count(network) == 0);
    EXPECT(edgebench_input(network, 0, &tensor) == EDGEBENCH_WRONG_CALL);
    EXPECT(edgebench_input_data(network, 0, &bytes) == NULL && bytes == 0);
    EXPECT(edgebench_invoke(network) == EDGEBENCH_WRONG_CALL);
    edgebench_reset(network);
    edgebench_close(network);
    EXPECT(edgebench_open(model, model_bytes, &options, &network) == EDGEBENCH_WRONG_CALL);
    EXPECT(strstr(edgebench_message(network), "abacus"));
    edgebench_close(network);
    options.kernels = "reference";
    options.memory_limit_bytes = 1000;
    EXPECT(edgebench_open(model, model_bytes, &options, &network) == EDGEBENCH_WRONG_MODEL);
    EXPECT(strstr(edgebench_message(network), "over the limit of 1000"));
    edgebench_close(network);
    EXPECT(edgebench_open(NULL, 0, NULL, &network) == EDGEBENCH_WRONG_CALL);
    edgebench_close(network);
    EXPECT(edgebench_open(model, model_bytes, NULL, NULL) == EDGEBENCH_WRONG_CALL);
    EXPECT(edgebench_invoke(NULL) == EDGEBENCH_WRONG_CALL && edgebench_input_count(NULL) == 0);
    edgebench_close(NULL);
    return 0;
}

static int run(const void *model, size_t model_bytes, const char *input_path, const char *output_path) {
    edgebench_network *network = NULL;
    edgebench_tensor input, output;
    size_t input_bytes, room = 0, wrong[4] = {0, 0, 0, 0}, same[4];
    void *values = read_file(input_path, &input_bytes), *data;
    FILE *file;
    EXPECT(edgebench_version() == EDGEBENCH_VERSION);
    EXPECT(edgebench_open(model, model_bytes, NULL, &network) == EDGEBENCH_OK);
    EXPECT(edgebench_message(network)[0] == 0);
    EXPECT(edgebench_input_count(network) == 1 && edgebench_output_count(network) == 1);
    EXPECT(edgebench_input(network, 0, &input) == EDGEBENCH_OK);
    EXPECT(input.rank == 4 && input.data_bytes == input_bytes);
    EXPECT(edgebench_input(network, 1, &input) == EDGEBENCH_WRONG_CALL);
    EXPECT(strcmp(edgebench_message(network), "no input 1") == 0);
    EXPECT(edgebench_input(network, 0, NULL) == EDGEBENCH_WRONG_CALL);
    EXPECT(edgebench_resize(network, 0, wrong, 4) == EDGEBENCH_WRONG_CALL);
    EXPECT(edgebench_resize(network, 7, wrong, 4) == EDGEBENCH_WRONG_CALL);
    EXPECT(edgebench_resize(network, 0, NULL, 4) == EDGEBENCH_WRONG_CALL);
    memcpy(same, input.dims, sizeof same);
    EXPECT(edgebench_resize(network, 0, same, 4) == EDGEBENCH_OK);
    data = edgebench_input_data(network, 0, &room);
    EXPECT(data && room == input_bytes);
    memcpy(data, values, room);
    EXPECT(edgebench_invoke(network) == EDGEBENCH_OK);
    EXPECT(edgebench_output(network, 0, &output) == EDGEBENCH_OK);
    EXPECT(output.type == input.type && output.name_bytes > 0);
    file = fopen(output_path, "wb");
    EXPECT(file && fwrite(output.data, 1, output.data_bytes, file) == output.data_bytes);
    EXPECT(fclose(file) == 0);
    edgebench_close(network);
    free(values);
    return 0;
}

int main(int count, char **arguments) {
    size_t model_bytes;
    void *model;
    int result;
    if (count != 4) return 2;
    model = read_file(arguments[1], &model_bytes);
    result = refuse(model, model_bytes) || run(model, model_bytes, arguments[2], arguments[3]);
    free(model);
    return result;
}
