@NullMarked
package dev.gantry.images.registry;

import org.jspecify.annotations.NullMarked;
