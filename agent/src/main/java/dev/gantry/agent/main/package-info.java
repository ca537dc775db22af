/** Where the agent is put together: the only package that knows every room. */
@NullMarked
package dev.gantry.agent.main;

import org.jspecify.annotations.NullMarked;
