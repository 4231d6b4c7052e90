import type { NextRequest } from "next/server";
import { answerAuth } from "@/app/_server/auth";

export const dynamic = "force-dynamic";

export const GET = (request: NextRequest): Promise<Response> => answerAuth(request);
export const POST = (request: NextRequest): Promise<Response> => answerAuth(request);
