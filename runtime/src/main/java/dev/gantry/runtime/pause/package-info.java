/** pause, the one native program: parent of a pod's processes, executor of their programs, writer of their logs. */
@NullMarked
package dev.gantry.runtime.pause;

import org.jspecify.annotations.NullMarked;
