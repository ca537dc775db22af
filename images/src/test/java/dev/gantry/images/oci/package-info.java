@NullMarked
package dev.gantry.images.oci;

import org.jspecify.annotations.NullMarked;
