@NullMarked
package dev.gantry.images.http;

import org.jspecify.annotations.NullMarked;
