/** Network plugins by the Container Network Interface, specification 1.1: configuration lists, chains, cached results. */
@NullMarked
package dev.gantry.netns.cni;

import org.jspecify.annotations.NullMarked;
