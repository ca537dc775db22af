/** Images: references, the registry client, the content store, unpacking and overlay snapshots. */
@NullMarked
package dev.gantry.images;

import org.jspecify.annotations.NullMarked;
