@NullMarked
package dev.gantry.agent.api;

import org.jspecify.annotations.NullMarked;
