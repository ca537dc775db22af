@NullMarked
package dev.gantry.agent.hook;

import org.jspecify.annotations.NullMarked;
