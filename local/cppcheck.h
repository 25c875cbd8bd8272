/* cppcheck.h - for cppcheck only, which is shown no headers of libraries: what their loops are */
#define json_array_foreach(array, i, v) for (i = 0; (v = json_array_get(array, i)); i++)
#define json_object_foreach(object, k, v)                                                                    \
	for (k = next_key(object, k); (v = json_object_get(object, k)); k = next_key(object, k))
