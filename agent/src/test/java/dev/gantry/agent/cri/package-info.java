/** Tests of what the agent knows of its runtime. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.cri;
