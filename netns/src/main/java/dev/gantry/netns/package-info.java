/** The pods' network: namespaces, addresses, host ports, and the files that containers find names by. */
@NullMarked
package dev.gantry.netns;

import org.jspecify.annotations.NullMarked;
