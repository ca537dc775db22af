/** Foreign and own JSON as small trees: bounded, without duplicate keys, with the path of the field in every error. */
@NullMarked
package dev.gantry.images.json;

import org.jspecify.annotations.NullMarked;
