@NullMarked
package dev.gantry.agent.check;

import org.jspecify.annotations.NullMarked;
