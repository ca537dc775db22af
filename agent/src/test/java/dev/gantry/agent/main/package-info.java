@NullMarked
package dev.gantry.agent.main;

import org.jspecify.annotations.NullMarked;
