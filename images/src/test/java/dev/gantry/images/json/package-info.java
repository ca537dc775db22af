@NullMarked
package dev.gantry.images.json;

import org.jspecify.annotations.NullMarked;
