/** What the machine offers to pods: found out by trying, told with consequence and remedy. */
@NullMarked
package dev.gantry.agent.check;

import org.jspecify.annotations.NullMarked;
