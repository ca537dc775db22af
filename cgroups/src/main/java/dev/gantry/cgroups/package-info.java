/** The cgroup v2 tree: controllers, limits, kill, freeze, events, statistics and the device filter. */
@NullMarked
package dev.gantry.cgroups;

import org.jspecify.annotations.NullMarked;
